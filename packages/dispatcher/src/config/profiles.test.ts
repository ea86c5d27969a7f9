import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadProfiles, parseProfiles, profileToken } from "./profiles.js";

const folder = mkdtempSync(join(tmpdir(), "profiles-"));
afterAll(() => rmSync(folder, { recursive: true }));

const document = (env: unknown): unknown => ({ schema: "durable-workflow.cli.config", envs: { dev: env } });

describe("the profiles file", () => {
  it("may be missing", async () => {
    expect((await loadProfiles(join(folder, "none.json"))).envs.size).toBe(0);
  });

  it.each([
    ["no JSON", '{"token": s3cret', "is not a JSON document"],
    ["another document", '{"schema":"s3cret"}', 'schema of the profiles file must be "durable-workflow.cli.config"'],
  ])("that is %s is refused, without being quoted", async (_, text, message) => {
    const path = join(folder, "config.json");
    writeFileSync(path, text);
    const error: unknown = await loadProfiles(path).catch((caught: unknown) => caught);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain("s3cret");
  });

  it("that cannot be read is refused", async () => {
    await expect(loadProfiles(folder)).rejects.toThrow("cannot be read");
  });

  it.each([
    [{ tls_verify: "no" }, "envs.dev.tls_verify of the profiles file must be true or false"],
    [{ token_source: { type: "file", value: "s3cret" } }, "envs.dev.token_source of the profiles file must be"],
    [{ token_source: { type: "env" } }, "envs.dev.token_source of the profiles file must be"],
    [{ token_source: "s3cret" }, "envs.dev.token_source of the profiles file must be"],
  ])("with %o is refused", (env, message) => {
    expect(() => parseProfiles(document(env))).toThrow(message);
    expect(() => parseProfiles(document(env))).not.toThrow("s3cret");
  });
});

it.each([
  [{ type: "literal", value: "abc" }, "abc"],
  [{ type: "env", value: "TOKEN" }, "from-env"],
  [{ type: "env", value: "EMPTY" }, undefined],
  [null, undefined],
])("finds the token of %o", (source, token) => {
  const profile = parseProfiles(document({ token_source: source })).envs.get("dev");
  expect(profile && profileToken(profile, { TOKEN: "from-env", EMPTY: "" })).toBe(token);
});
