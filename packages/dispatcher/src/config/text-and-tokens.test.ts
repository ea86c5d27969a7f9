import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeCommand, redactContext } from "@durable-workflow/engine-protocol/executor-config";
import { afterAll, describe, expect, it } from "vitest";
import { CredentialStore } from "../delivery/credentials.js";
import { Secrets } from "../net/secrets.js";
import { systemClock } from "../time/clock.js";
import { resolveConnection } from "./connection.js";
import { loadExecutorConfig } from "./load.js";
import { loadProfiles } from "./profiles.js";

const folder = mkdtempSync(join(tmpdir(), "dispatcher-text-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const CONFIG = JSON.stringify({
  schema: "durable-workflow.external-executor.config",
  version: 1,
  defaults: { task_queue: "lamps" },
  carriers: { web: { type: "invocable_http", url: "http://localhost:1/" } },
  mappings: [{ name: "a", kind: "activity", activity_type: "tä", carrier: "web", handler: "t" }],
});
const PROFILES = JSON.stringify({ schema: "durable-workflow.cli.config", current_env: null, envs: {} });

describe("a file", () => {
  it("with a byte order mark is read without it", async () => {
    expect((await loadExecutorConfig(file("bom.json", `\ufeff${CONFIG}`))).mappings[0]?.activityType).toBe("tä");
    expect(await loadProfiles(file("bom-profiles.json", `\ufeff${PROFILES}`))).toMatchObject({ currentEnv: null });
  });

  it.each<[string, BufferEncoding]>([
    ["Latin-1", "latin1"],
    ["UTF-16", "utf16le"],
  ])("in %s is refused, with the reason", async (name, encoding) => {
    const bytes = Buffer.from(encoding === "utf16le" ? `\ufeff${CONFIG}` : CONFIG, encoding);
    await expect(loadExecutorConfig(file(`${name}.json`, bytes))).rejects.toThrow(
      "invalid_json: The file is not UTF-8",
    );
    await expect(loadProfiles(file(`${name}-p.json`, bytes))).rejects.toThrow("is not UTF-8 text");
  });
});

describe("a token with a line end", () => {
  const store = (environment: Record<string, string>, path = "") =>
    new CredentialStore({
      config: undefined,
      local: {
        env: { type: "env", env: "T", origins: ["https://a.example"] },
        file: { type: "token_file", path, origins: ["https://a.example"] },
      },
      environment,
      profiles: { currentEnv: null, envs: new Map() },
      secrets: new Secrets(),
      clock: systemClock,
    });
  const mapping = (authRef: string) =>
    ({
      authRef,
      carrier: { type: "invocable_http", url: "https://a.example/" },
    }) as never;

  it.each(["tok-en\n", "tok-en\r\n", " tok-en", "\ufefftok-en"])(
    "%j is sent without it, wherever it comes from",
    async (text) => {
      const credentials = store({ T: text }, file("token", text));
      expect(await credentials.credentialFor(mapping("env"))).toMatchObject({ token: "tok-en" });
      expect(await credentials.credentialFor(mapping("file"))).toMatchObject({ token: "tok-en" });
      for (const inputs of [
        { flags: { token: text }, environment: {} },
        { flags: {}, environment: { DURABLE_WORKFLOW_AUTH_TOKEN: text } },
      ]) {
        const { token } = resolveConnection({ ...inputs, profiles: { currentEnv: null, envs: new Map() } });
        expect(token.value).toBe("tok-en");
      }
    },
  );

  it("within it is refused, without being shown", async () => {
    await expect(store({ T: "a\nX-Evil: b" }).credentialFor(mapping("env"))).rejects.toThrow(
      "the credential env holds characters that no token has",
    );
    await expect(store({ T: "\n" }).credentialFor(mapping("env"))).rejects.toThrow("is not set");
  });
});

it("commands are shown without their arguments", () => {
  expect(describeCommand(["/usr/bin/python3", "--token", "s3cret"])).toBe("python3 (2 arguments)");
  expect(redactContext({ carrier: { command: ["sh", "-c", "s3cret"] } })).toEqual({
    carrier: { command: "sh (2 arguments)" },
  });
});
