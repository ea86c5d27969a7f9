import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, Json } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { openEngine, temporaryFolder } from "./support/engine.js";

const carrier = { type: "invocable_http", url: "http://127.0.0.1:9000/run" };
const mapping = {
  name: "greet",
  kind: "activity",
  task_queue: "q",
  activity_type: "greet",
  carrier: "c",
  handler: "greet",
};
const config = {
  schema: "durable-workflow.external-executor.config",
  version: 1,
  carriers: { c: carrier },
  mappings: [mapping],
};

/** How the engine stands with a config. */
async function statusOf(content: unknown, overlay?: string): Promise<Json> {
  const path = join(temporaryFolder(), "carriers.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  const { client } = await openEngine({ externalExecutorConfig: { path, ...(overlay !== undefined && { overlay }) } });
  return runtimeOf(client);
}

async function runtimeOf(client: Client): Promise<Json> {
  const { body } = await client.call("GET", "/api/cluster/info");
  return body.worker_protocol.external_executor_config_contract.runtime;
}

async function codesOf(content: unknown, overlay?: string): Promise<readonly string[]> {
  const { errors } = await statusOf(content, overlay);
  return errors.map(({ code }: { code: string }) => code);
}

describe("the external executor config", () => {
  it("goes with the tasks that it maps", async () => {
    const path = join(temporaryFolder(), "carriers.json");
    writeFileSync(path, JSON.stringify(config));
    const { client } = await openEngine({ externalExecutorConfig: { path }, longPollSeconds: 0 });
    await client.register("w", "q", ["greet", "other"]);
    await client.started("greet", "q", { start_to_close_timeout_seconds: 10 });
    await client.started("other", "q");
    const mapped = (await client.take("w", "q"))?.task;
    expect(mapped.external_executor).toMatchObject({
      name: "greet",
      carrier: { name: "c", type: "invocable_http", target: carrier },
      dispatch: {
        idempotency_key: mapped.activity_attempt_id,
        task_deadline_fields: ["start_to_close"],
        result_reporting: { complete_path: `/api/worker/activity-tasks/${mapped.task_id}/complete` },
      },
    });
    expect((await client.take("w", "q"))?.task).not.toHaveProperty("external_executor");
  });

  it("is read again when it changes, and gives nothing while it is broken", async () => {
    const path = join(temporaryFolder(), "carriers.json");
    const { client } = await openEngine({ externalExecutorConfig: { path }, longPollSeconds: 0 });
    await client.register("w", "q", ["greet"]);
    const next = async (): Promise<Json> => {
      await client.started("greet", "q");
      return (await client.take("w", "q"))?.task.external_executor;
    };
    const write = (content: unknown): void => {
      writeFileSync(`${path}.new`, JSON.stringify(content));
      renameSync(`${path}.new`, path);
    };
    expect(await next()).toBeUndefined();
    expect(await runtimeOf(client)).toMatchObject({ status: "invalid", errors: [{ code: "unreadable_config" }] });
    write(config);
    expect(await next()).toMatchObject({ handler: "greet" });
    write({ ...config, mappings: [{ ...mapping, handler: "hello" }] });
    expect(await next()).toMatchObject({ handler: "hello" });
    write({ ...config, mappings: [mapping, mapping] });
    expect(await next()).toBeUndefined();
    rmSync(path);
    expect(await next()).toBeUndefined();
  });

  it("gives no secret away", async () => {
    const path = join(temporaryFolder(), "carriers.json");
    const secretive = {
      ...config,
      auth_refs: { r: { type: "env", env: "NAME", token: "t0p-token", nested: { client_secret: "t0p-secret" } } },
      carriers: {
        c: { ...carrier, environment: { Authorization: "t0p-auth" }, metadata: { "x-signature": "t0p-sig" } },
      },
      mappings: [{ ...mapping, auth_ref: "r", metadata: { list: [{ token: "t0p-list" }] } }],
    };
    writeFileSync(path, JSON.stringify(secretive));
    const { client } = await openEngine({ externalExecutorConfig: { path }, longPollSeconds: 0 });
    await client.register("w", "q", ["greet"]);
    await client.started("greet", "q");
    const text = JSON.stringify([(await client.take("w", "q"))?.task, await runtimeOf(client)]);
    expect(text).toContain('"auth_ref":"r"');
    expect(text).toContain("redacted");
    expect(text).not.toContain("t0p-");
    expect(text).not.toContain(path);
  });

  it("takes an overlay by its name", async () => {
    const overlaid = {
      ...config,
      overlays: { prod: { carriers: { c: { url: "https://carriers.example/run" } }, defaults: { auth_ref: "r" } } },
      auth_refs: { r: { type: "env", env: "NAME" } },
    };
    expect(await statusOf(overlaid, "prod")).toMatchObject({ status: "valid", overlay: "prod", errors: [] });
    expect(await codesOf(overlaid, "stage")).toEqual(["unknown_overlay"]);
    expect(await codesOf(overlaid, "constructor")).toEqual(["unknown_overlay"]);
  });

  const broken: readonly (readonly [name: string, content: unknown])[] = [
    ["invalid_json", "{"],
    ["invalid_schema", { ...config, schema: "x" }],
    ["invalid_schema", { ...config, carriers: [] }],
    ["invalid_schema", { ...config, carriers: { c: { type: "fax" } } }],
    ["invalid_schema", { ...config, mappings: [{ ...mapping, activity_type: "" }] }],
    ["unsupported_version", { ...config, version: 2 }],
    ["unknown_carrier", { ...config, mappings: [{ ...mapping, carrier: "__proto__" }] }],
    ["unknown_auth_ref", { ...config, mappings: [{ ...mapping, auth_ref: "none" }] }],
    ["duplicate_mapping_name", { ...config, mappings: [mapping, { ...mapping, activity_type: "other" }] }],
    ["invalid_queue_binding", { ...config, mappings: [{ ...mapping, task_queue: "" }] }],
    ["invalid_queue_binding", { ...config, mappings: [mapping, { ...mapping, name: "again" }] }],
    ["missing_invocable_auth_ref", { ...config, carriers: { c: { ...carrier, url: "https://carriers.example" } } }],
    ["missing_handler_target", { ...config, mappings: [{ ...mapping, handler: "" }] }],
    [
      "unsupported_carrier_capability",
      { ...config, carriers: { c: { type: "sqs", capabilities: ["workflow_start"] } } },
    ],
    ["invalid_carrier_target", { ...config, carriers: { c: { ...carrier, url: "http://user:pw@localhost" } } }],
    ["invalid_carrier_target", { ...config, carriers: { c: { ...carrier, method: "PUT" } } }],
    ["invalid_carrier_target", { ...config, carriers: { c: { ...carrier, timeout_seconds: 901 } } }],
    ["invalid_carrier_target", { ...config, carriers: { c: { ...carrier, retry_policy: { max_attempts: 6 } } } }],
    [
      "invalid_carrier_target",
      { ...config, carriers: { c: { ...carrier, retry_policy: { backoff_seconds: [301] } } } },
    ],
    [
      "invalid_carrier_target",
      { ...config, carriers: { c: { ...carrier, retry_policy: { retryable_status_codes: [404] } } } },
    ],
    ["invalid_invocable_carrier_scope", { ...config, mappings: [{ ...mapping, kind: "workflow_start" }] }],
  ];

  it.each(broken)("%s: %j", async (code, content) => {
    expect(await codesOf(content)).toEqual([code]);
  });

  it("takes everything that the limits allow", async () => {
    const generous = {
      ...carrier,
      method: "POST",
      timeout_seconds: 900,
      capabilities: ["activity_task"],
      retry_policy: {
        max_attempts: 5,
        backoff_seconds: [0, 1, 2, 3, 300],
        retryable_status_codes: [408, 425, 429, 503, "5xx"],
      },
    };
    expect(await codesOf({ ...config, carriers: { c: generous } })).toEqual([]);
  });
});
