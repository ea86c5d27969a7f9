import { ExecutorConfigError, parseExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { lampsConfig } from "@durable-workflow/test-support/lamps-config";
import { expect, it } from "vitest";
import { resolveConnection } from "./connection.js";

it("an overlay that does not exist hides nothing else that is wrong", () => {
  let errors: readonly string[] = [];
  try {
    parseExecutorConfig(lampsConfig({ version: 2, auth_refs: {} }), { overlay: "nowhere" });
  } catch (error) {
    if (error instanceof ExecutorConfigError) errors = error.errors.map(({ code }) => code);
  }
  expect(new Set(errors)).toEqual(new Set(["unknown_overlay", "unsupported_version", "unknown_auth_ref"]));
});

it.each(["t0\nken", "t0 ken", "t0ken\u00e9", "t0ken\r\nx-evil: 1"])(
  "the token %j is refused by the source that gave it, and not shown",
  (token) => {
    const resolve = (): unknown =>
      resolveConnection({
        flags: {},
        environment: { DURABLE_WORKFLOW_AUTH_TOKEN: token },
        profiles: { currentEnv: null, envs: new Map() },
      });
    expect(resolve).toThrow(/^The token \(from the environment\) must be visible ASCII/);
    expect(resolve).not.toThrow(/t0/);
  },
);
