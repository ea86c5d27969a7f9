import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ExecutorConfigError,
  type ParseConfigOptions,
  parseExecutorConfig,
  resolveActivity,
} from "@durable-workflow/engine-protocol/executor-config";
import { lampsConfig } from "@durable-workflow/test-support/lamps-config";
import { afterAll, describe, expect, it } from "vitest";
import { loadExecutorConfig } from "./load.js";

function errorsOf(document: unknown, options?: ParseConfigOptions): ExecutorConfigError["errors"] {
  try {
    parseExecutorConfig(document, options);
    return [];
  } catch (error) {
    if (error instanceof ExecutorConfigError) return error.errors;
    throw error;
  }
}

const codesOf = (document: unknown, options?: ParseConfigOptions): readonly string[] =>
  errorsOf(document, options).map(({ code }) => code);

const carriers = (lampsConfig() as { carriers: { web: object; local: object } }).carriers;
const [dim, count] = (lampsConfig() as { mappings: [object, object] }).mappings;
const withWeb = (changes: object): unknown =>
  lampsConfig({ carriers: { ...carriers, web: { ...carriers.web, ...changes } } });
const withDim = (changes: object): unknown => lampsConfig({ mappings: [{ ...dim, ...changes }, count] });

describe("a config in order", () => {
  const config = parseExecutorConfig(lampsConfig());

  it("resolves exact matches of queue and type only", () => {
    expect(resolveActivity(config, "lamps", "lamps.dim")).toEqual({
      name: "dim",
      taskQueue: "lamps",
      activityType: "lamps.dim",
      handler: "dim",
      authRef: "lamp-token",
      timeoutSeconds: 20,
      source: "config",
      carrier: {
        type: "invocable_http",
        name: "web",
        url: "https://lamps.example/activities",
        timeoutSeconds: 30,
        retryPolicy: { maxAttempts: 3, backoffSeconds: [1, 2], retryableStatusCodes: [429, "5xx"] },
      },
    });
    expect(resolveActivity(config, "lamps", "lamps.Dim")).toBeUndefined();
    expect(resolveActivity(config, "other", "lamps.dim")).toBeUndefined();
  });

  it("has a retry policy of one attempt where none is given", () => {
    const plain = parseExecutorConfig(withWeb({ retry_policy: {} }));
    expect(resolveActivity(plain, "lamps", "lamps.dim")?.carrier).toMatchObject({
      retryPolicy: { maxAttempts: 1, backoffSeconds: [], retryableStatusCodes: [408, 429, "5xx"] },
    });
  });

  it("applies an overlay: defaults by field, carriers deeply, mappings replaced", () => {
    const staging = parseExecutorConfig(lampsConfig(), { overlay: "staging" });
    expect(staging.defaults).toMatchObject({ namespace: "attic", taskQueue: "lamps" });
    expect(resolveActivity(staging, "lamps", "lamps.dim")?.carrier).toMatchObject({
      url: "https://staging.lamps.example/",
      timeoutSeconds: 30,
    });
    const one = lampsConfig({ overlays: { one: { mappings: [count] } } });
    expect(parseExecutorConfig(one, { overlay: "one" }).mappings.map(({ name }) => name)).toEqual(["count"]);
  });

  it("leaves carriers and mappings alone that are not for a dispatcher", () => {
    const hook = { name: "hook", kind: "workflow_start", carrier: "bridge", handler: "start", workflow_type: "w" };
    const bridge = { type: "http", url: "https://bridge.example/", capabilities: ["workflow_start"] };
    const both = lampsConfig({ carriers: { ...carriers, bridge }, mappings: [dim, count, hook] });
    expect(parseExecutorConfig(both).mappings.map(({ name }) => name)).toEqual(["dim", "count"]);
  });
});

describe("named errors", () => {
  it.each<[string, unknown, ParseConfigOptions?]>([
    ["invalid_schema", []],
    ["invalid_schema", lampsConfig({ schema: "lamps" })],
    ["invalid_schema", lampsConfig({ color: "red" })],
    ["invalid_schema", lampsConfig({ auth_refs: { "lamp-token": { type: "env", env: "lower" } } })],
    ["unsupported_version", lampsConfig({ version: 2 })],
    ["unknown_overlay", lampsConfig(), { overlay: "constructor" }],
    ["unknown_carrier", withDim({ carrier: "toString" })],
    ["unknown_auth_ref", withDim({ auth_ref: "other" })],
    ["unknown_handler", lampsConfig(), { knownHandlers: ["dim"] }],
    ["duplicate_mapping_name", withDim({ name: "count" })],
    ["invalid_queue_binding", withDim({ activity_type: "lamps.count" })],
    ["invalid_queue_binding", lampsConfig({ defaults: { auth_ref: "lamp-token" }, mappings: [dim] })],
    [
      "invalid_queue_binding",
      lampsConfig({ mappings: [{ name: "count", kind: "activity", carrier: "local", handler: "count" }] }),
    ],
    ["missing_invocable_auth_ref", lampsConfig({ defaults: { task_queue: "lamps" } })],
    ["missing_handler_target", withDim({ handler: "" })],
    ["unsupported_carrier_capability", withWeb({ capabilities: [] })],
    ["invalid_carrier_target", withWeb({ url: "http://lamps.example/" })],
    ["invalid_carrier_target", withWeb({ url: "https://user:pass@lamps.example/" })],
    ["invalid_carrier_target", withWeb({ url: "lamps.example" })],
    ["invalid_carrier_target", withWeb({ method: "PUT" })],
    ["invalid_carrier_target", withWeb({ timeout_seconds: 901 })],
    ["invalid_carrier_target", withWeb({ timeout_seconds: 0 })],
    ["invalid_carrier_target", withWeb({ retry_policy: { max_attempts: 6 } })],
    ["invalid_carrier_target", withWeb({ retry_policy: { retryable_status_codes: [404] } })],
    ["invalid_carrier_target", lampsConfig({ carriers: { ...carriers, local: { type: "process" } } })],
    ["unsupported_carrier_type", withWeb({ type: "http" })],
    ["unsupported_carrier_type", withWeb({ type: "sqs" })],
    ["unsupported_carrier_type", withWeb({ type: "webhook" })],
    ["unsupported_auth_ref", lampsConfig({ auth_refs: { "lamp-token": { type: "signed_headers", key_ref: "k" } } })],
    ["unsupported_auth_ref", lampsConfig({ auth_refs: { "lamp-token": { type: "token_file" } } })],
  ])("%s (%#)", (code, document, options) => {
    expect(codesOf(document, options)).toEqual([code]);
  });

  it("invalid_invocable_carrier_scope", () => {
    expect(codesOf(withWeb({ capabilities: ["activity_task", "workflow_start"] }))).toEqual([
      "invalid_invocable_carrier_scope",
    ]);
    expect(codesOf(withDim({ kind: "workflow_start" }))).toContain("invalid_invocable_carrier_scope");
  });

  it("are all reported, not only the first", () => {
    const bad = lampsConfig({
      defaults: {},
      auth_refs: {},
      carriers: {
        c1: {
          type: "invocable_http",
          url: "http://example.test/",
          timeout_seconds: 1000,
          capabilities: ["workflow_start"],
          retry_policy: { max_attempts: 9 },
        },
      },
      mappings: [
        { name: "a", kind: "activity", carrier: "c1", activity_type: "t" },
        { name: "a", kind: "activity", carrier: "nope", auth_ref: "zzz", handler: "h", activity_type: "u" },
      ],
    });
    expect(new Set(codesOf(bad))).toEqual(
      new Set([
        "invalid_invocable_carrier_scope",
        "invalid_carrier_target",
        "missing_invocable_auth_ref",
        "missing_handler_target",
        "invalid_queue_binding",
        "unsupported_carrier_capability",
        "duplicate_mapping_name",
        "unknown_carrier",
        "unknown_auth_ref",
      ]),
    );
    expect(codesOf(bad).filter((code) => code === "invalid_carrier_target")).toHaveLength(3);
  });

  it("name where and what, and never show a value put in the wrong place", () => {
    const [error] = errorsOf(withWeb({ secret: "hunter2", token: { deep: "hunter2" } }));
    expect(error).toEqual({
      code: "invalid_schema",
      message: "carriers.web.secret must be left out: there is no such field.",
      context: { carrier: "web", field: "secret" },
      path: "carriers.web.secret",
      expected: "left out: there is no such field",
    });
    expect(JSON.stringify(errorsOf(withWeb({ secret: "hunter2", url: "https://u:hunter2@x/" })))).not.toContain(
      "hunter2",
    );
    const inline = lampsConfig({ auth_refs: { "lamp-token": { type: "token_file", path: "-----BEGIN hunter2" } } });
    expect(JSON.stringify(errorsOf(inline))).not.toContain("hunter2");
  });
});

async function failure(path: string): Promise<ExecutorConfigError["errors"][number] | undefined> {
  const error: unknown = await loadExecutorConfig(path).catch((caught: unknown) => caught);
  return error instanceof ExecutorConfigError ? error.errors[0] : undefined;
}

describe("files", () => {
  const folder = mkdtempSync(join(tmpdir(), "executor-config-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are read", async () => {
    const path = join(folder, "good.json");
    writeFileSync(path, JSON.stringify(lampsConfig()));
    expect((await loadExecutorConfig(path)).mappings).toHaveLength(2);
  });

  it("that cannot be read are named by base name and hash alone", async () => {
    const error = await failure(join(folder, "none.json"));
    expect(error).toMatchObject({ code: "unreadable_config", context: { basename: "none.json", reason: "ENOENT" } });
    expect(JSON.stringify(error)).not.toContain(folder);
  });

  it("that are no JSON are refused without being quoted", async () => {
    const path = join(folder, "bad.json");
    writeFileSync(path, '{"token": hunter2}');
    const error = await failure(path);
    expect(error).toMatchObject({ code: "invalid_json", context: { basename: "bad.json" } });
    expect(JSON.stringify(error)).not.toContain("hunter2");
  });
});

const EXAMPLES = new URL("../../../../../shared/contract/executor-config/examples/", import.meta.url);

if (!existsSync(EXAMPLES)) {
  it.skip("../shared/contract is not here: its config examples are read where it is", () => undefined);
} else {
  it.each(readdirSync(EXAMPLES))("reads the published example %s", (file) => {
    const config = parseExecutorConfig(JSON.parse(readFileSync(new URL(file, EXAMPLES), "utf8")));
    expect(config.mappings.length).toBe(file.startsWith("integration-bridge") ? 0 : 1);
  });
}
