import { ACTIVITIES_ONLY, MANIFEST_CAPABILITIES, PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import { type Answer, Client, type Json } from "@durable-workflow/test-support/engine-client";
import { expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { arrived, cleanUp, openEngine, temporaryFolder } from "./support/engine.js";

const REGISTER = "/api/worker/register";
const BODY = {
  worker_id: "w",
  task_queue: "q",
  runtime: "rust",
  sdk_version: "durable-workflow-rust/4.10.2",
  supported_activity_types: ["t"],
  capability_manifest: ACTIVITIES_ONLY,
};
const PROCESS = { host: "h", process_id: 7, process_started_at: "2026-11-27T10:00:00Z" };

async function open(options: Parameters<typeof openEngine>[0] = {}): ReturnType<typeof openEngine> {
  const opened = await openEngine(options);
  opened.client.protocolVersion = PROTOCOL_VERSION;
  return opened;
}

const register = (client: Client, more: object = {}): Promise<Answer> =>
  client.call("POST", REGISTER, { ...BODY, ...more });

const tokenOf = async (client: Client, more: object = {}): Promise<string> =>
  (await register(client, more)).body.registration_token;

const end = (client: Client, token: unknown, worker = "w"): Promise<Answer> =>
  client.call("POST", `/api/worker/registrations/${worker}/deregister`, { registration_token: token });

it("is answered with all that was registered, a token and the pace of heartbeats", async () => {
  const { client } = await open();
  const capabilities = ["memo_upserts", "worker_sessions"];
  const session = { supported: true, minimum_protocol_version: "1.18", implementation: "sdk" };
  const manifest = { ...ACTIVITIES_ONLY, worker_sessions: session, more: { ...session, reason: "why" } };
  const { status, body } = await register(client, {
    build_id: "b",
    capabilities,
    capability_manifest: manifest,
    max_concurrent_workflow_tasks: 0,
    max_concurrent_worker_sessions: 3,
    task_slots: { activity_available: 500, workflow_available: 0 },
    process_metrics: { ...PROCESS, cpu_percent: 1.5, memory_bytes: 7 },
    heartbeat_interval_seconds: 20,
  });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    worker_id: "w",
    registered: true,
    registration_token: expect.stringMatching(/^[a-f0-9]{32}$/),
    namespace: "default",
    task_queue: "q",
    runtime: "rust",
    build_id: "b",
    capabilities,
    capability_manifest: manifest,
    status: "active",
    heartbeat_interval_seconds: 10,
  });
  expect((await client.call("GET", "/api/workers/w")).body).toMatchObject({
    capabilities,
    capability_manifest: manifest,
    max_concurrent_workflow_tasks: 0,
    max_concurrent_worker_sessions: 3,
    // No more than there are.
    task_slots: { activity_available: 100, workflow_available: 0 },
    process_metrics: { ...PROCESS, cpu_percent: 1.5, memory_bytes: 7 },
    heartbeat_interval_seconds: 20,
  });
  const beat = { worker_id: "w", task_slots: { activity_available: 3 }, process_metrics: { process_id: 7 } };
  expect((await client.call("POST", "/api/worker/heartbeat", beat)).body).toMatchObject({
    acknowledged: true,
    heartbeat_interval_seconds: 10,
    stale_after_seconds: 60,
  });
  expect((await client.call("GET", "/api/workers/w")).body).toMatchObject({
    task_slots: { activity_available: 3 },
    process_metrics: { process_id: 7 },
    heartbeat_interval_seconds: 20,
  });
});

it.each([
  [{ capability_manifest: undefined }, ["capability_manifest"]],
  [{ capability_manifest: "x" }, ["capability_manifest"]],
  [{ capability_manifest: {} }, ["capability_manifest"]],
  [{ capability_manifest: { ...ACTIVITIES_ONLY, more: 1 } }, ["capability_manifest.more"]],
  [
    { capability_manifest: { ...ACTIVITIES_ONLY, local_activities: { supported: "maybe" } } },
    ["capability_manifest.local_activities.supported", "capability_manifest.local_activities.minimum_protocol_version"],
  ],
  [{ runtime: "ruby" }, ["runtime"]],
  [
    { max_concurrent_workflow_tasks: 0, max_concurrent_activity_tasks: 0 },
    ["max_concurrent_workflow_tasks", "max_concurrent_activity_tasks"],
  ],
  [{ max_concurrent_activity_tasks: -1 }, ["max_concurrent_activity_tasks"]],
  [{ max_concurrent_worker_sessions: 0 }, ["max_concurrent_worker_sessions"]],
  [{ task_slots: { activity_available: -1 } }, ["task_slots.activity_available"]],
  [{ process_metrics: { process_started_at: "x".repeat(65) } }, ["process_metrics.process_started_at"]],
  [{ process_metrics: { cpu_percent: "much" } }, ["process_metrics.cpu_percent"]],
  [{ heartbeat_interval_seconds: 3601 }, ["heartbeat_interval_seconds"]],
  [{ capabilities: ["x".repeat(256)] }, ["capabilities.0"]],
])("%j is refused by its fields, and nothing is registered", async (more, fields) => {
  const { client } = await open();
  const { status, body } = await register(client, more);
  expect([status, body.reason, Object.keys(body.errors)]).toEqual([422, "validation_failed", fields]);
  expect((await client.call("GET", "/api/workers/w")).status).toBe(404);
});

it.each(["1.0", "1.15", "1.17"])("workers of %s need no manifest", async (version) => {
  const { client } = await openEngine();
  client.protocolVersion = version;
  expect((await register(client, { capability_manifest: undefined })).status).toBe(201);
});

it.each(MANIFEST_CAPABILITIES)("%s has to be told twice alike, and by a version that has it", async (capability) => {
  const { client } = await open();
  const entry = { supported: true, minimum_protocol_version: "1.18" };
  const wrong = async (more: object): Promise<Json> => {
    const { status, body } = await register(client, more);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      registered: false,
      capability,
      requested_version: client.protocolVersion,
      minimum_protocol_version: "1.18",
    });
    return body.reason;
  };
  const manifest = { ...ACTIVITIES_ONLY, [capability]: entry };
  const mismatch = "worker_capability_manifest_mismatch";
  expect(await wrong({ capabilities: [capability] })).toBe(mismatch);
  expect(await wrong({ capability_manifest: manifest })).toBe(mismatch);
  const floor = "worker_capability_protocol_floor_mismatch";
  const low = { ...ACTIVITIES_ONLY, [capability]: { ...entry, minimum_protocol_version: "1.17" } };
  const high = { ...ACTIVITIES_ONLY, [capability]: { ...entry, minimum_protocol_version: "1.99" } };
  for (const other of [low, high]) {
    expect(await wrong({ capabilities: [capability], capability_manifest: other })).toBe(floor);
  }
  client.protocolVersion = "1.15";
  expect(await wrong({ capabilities: [capability], capability_manifest: undefined })).toBe(mismatch);
  expect((await client.call("GET", "/api/workers")).body.workers).toEqual([]);
});

it("cooperative cancellation needs a version that has it", async () => {
  const { client } = await open();
  client.protocolVersion = "1.19";
  expect(await register(client, { capabilities: ["cooperative_cancellation"] })).toMatchObject({
    status: 409,
    body: { registered: false, reason: "cooperative_cancellation_protocol_mismatch", minimum_protocol_version: "1.20" },
  });
});

it("ends by its token once, and its receipt is sent again, whoever owns the id by then", async () => {
  const { client, clock } = await open();
  const token = await tokenOf(client);
  const receipt = {
    worker_id: "w",
    registration_token: token,
    outcome: "deregistered",
    recovered_workflow_task_count: 0,
  };
  expect(await end(client, token)).toMatchObject({ status: 200, body: receipt });
  expect((await client.poll("w", "q")).status).toBe(412);
  const next = await tokenOf(client);
  expect(next).not.toBe(token);
  await clock.advance(599_000);
  expect(await end(client, token)).toMatchObject({ status: 200, body: receipt });
  // The newer one was not touched.
  expect((await client.call("GET", "/api/workers/w")).status).toBe(200);
  await clock.advance(1001);
  const refusal = { worker_id: "w", registration_token: token, retryable: false };
  expect(await end(client, token)).toMatchObject({
    status: 410,
    body: { ...refusal, reason: "worker_registration_receipt_expired" },
  });
  await clock.advance(86_400_000);
  await register(client, { worker_id: "other" });
  expect(await end(client, token)).toMatchObject({
    status: 404,
    body: { ...refusal, reason: "worker_registration_token_not_found" },
  });
});

it("a token ends no other registration than its own", async () => {
  const { client } = await open();
  const old = await tokenOf(client);
  await tokenOf(client);
  const other = await tokenOf(client, { worker_id: "other" });
  expect(await end(client, old)).toMatchObject({
    status: 409,
    body: {
      reason: "worker_registration_lost_authority",
      worker_id: "w",
      registration_token: old,
      retryable: false,
    },
  });
  expect((await end(client, other)).body.reason).toBe("worker_registration_token_not_found");
  for (const malformed of [undefined, "", "x", old.toUpperCase(), `${old}0`, 7]) {
    const { status, body } = await end(client, malformed);
    expect([status, body.reason, Object.keys(body.errors)]).toEqual([422, "validation_failed", ["registration_token"]]);
  }
  expect((await client.call("GET", "/api/workers")).body.workers).toHaveLength(2);
});

it("a registration that is taken back without its token has the same receipt for it", async () => {
  const { client } = await open();
  const token = await tokenOf(client);
  expect(await client.call("DELETE", "/api/worker/registrations/w")).toMatchObject({
    status: 200,
    body: { worker_id: "w", outcome: "deregistered", recovered_workflow_task_count: 0 },
  });
  expect(await end(client, token)).toMatchObject({ status: 200, body: { registration_token: token } });
  expect(await client.call("DELETE", "/api/worker/registrations/w")).toMatchObject({
    status: 404,
    body: { reason: "worker_not_found", worker_id: "w" },
  });
});

it("a worker that registers anew gets back at once what it held", async () => {
  const { client } = await open({ longPollSeconds: 0 });
  await register(client);
  await client.started("t", "q", { activity_id: "a", retry_policy: { max_attempts: 5 } });
  await register(client, { worker_id: "other" });
  await client.started("t", "q", { activity_id: "b" });
  const held = await client.take("w", "q");
  const kept = await client.take("other", "q");
  await register(client);
  expect(await client.report("heartbeat", held!)).toMatchObject({
    status: 200,
    body: { can_continue: false, reason: "attempt_closed" },
  });
  expect((await client.report("complete", held!)).body).toMatchObject({
    reason: "stale_attempt",
    attempt_status: "expired",
  });
  const again = await client.take("w", "q");
  expect(again?.task).toMatchObject({ workflow_id: "a", task_id: held?.taskId, attempt_number: 2 });
  // What others hold is theirs.
  expect((await client.report("complete", kept!)).status).toBe(200);
});

it("a task that ends its worker each time it registers anew is recorded as failed in the end", async () => {
  const { client } = await open({ longPollSeconds: 0, freeRedeliveries: 1 });
  await register(client);
  await client.started("t", "q", { activity_id: "poison" });
  for (let time = 0; time < 2; time++) {
    expect((await client.take("w", "q"))?.task.workflow_id).toBe("poison");
    await register(client);
  }
  expect(await client.describe("poison")).toMatchObject({
    status: "failed",
    failure: { type: "LeaseExpired", message: expect.stringContaining("was registered anew while it ran") },
  });
});

it("polls of an earlier registration are given nothing, unless the same process asks for the same", async () => {
  const { client } = await open();
  const process = { process_metrics: PROCESS };
  await register(client, process);
  const poll = (): Promise<Answer> => client.poll("w", "q", { poll_request_id: "p" });
  const first = poll();
  await arrived();
  await register(client, process);
  await arrived();
  const second = client.poll("w", "q", { poll_request_id: "p2" });
  await arrived();
  await register(client, { process_metrics: { ...PROCESS, process_id: 8 } });
  for (const { body } of await Promise.all([first, second])) {
    expect(body).toMatchObject({ task: null, poll_status: "stale_worker_registration" });
  }
  // Workers that tell nothing of their process: each registration is another.
  await register(client);
  const third = poll();
  await arrived();
  await register(client);
  expect((await third).body.poll_status).toBe("stale_worker_registration");
  const fourth = poll();
  await arrived();
  await client.started("t", "q");
  expect((await fourth).body.poll_status).toBe("leased");
});

it("a task that is freed goes to whoever else waits, not to the poll of the registration before", async () => {
  const { client } = await open();
  await register(client);
  await client.started("t", "q", { activity_id: "a", retry_policy: { max_attempts: 9 } });
  await client.take("w", "q");
  const stale = client.poll("w", "q");
  await arrived();
  await register(client, { worker_id: "other" });
  const waiting = client.take("other", "q");
  await arrived();
  await register(client);
  expect((await stale).body).toMatchObject({ task: null, poll_status: "stale_worker_registration" });
  expect((await waiting)?.task).toMatchObject({ workflow_id: "a", lease_owner: "other", attempt_number: 2 });
});

it("that has ended is told again what its poll has leased, under the poll's id, and given nothing else", async () => {
  const { client } = await open();
  const token = await tokenOf(client);
  await client.started("t", "q", { activity_id: "a" });
  const held = await client.take("w", "q", { poll_request_id: "p" });
  expect((await end(client, token)).status).toBe(200);
  await client.started("t", "q", { activity_id: "b" });
  // The answer was lost on its way: without this the task would wait for the end of its lease.
  expect(await client.take("w", "q", { poll_request_id: "p" })).toEqual(held);
  const { body } = await client.poll("w", "q", { poll_request_id: "p", max_tasks: 4 });
  expect(body).toMatchObject({ task: { workflow_id: "a" }, more_tasks: [] });
  const others = [
    client.poll("w", "q", { poll_request_id: "p-2" }),
    client.poll("w", "q"),
    client.poll("v", "q", { poll_request_id: "p" }),
    client.poll("w", "elsewhere", { poll_request_id: "p" }),
  ];
  for (const { status, body: refusal } of await Promise.all(others)) {
    expect([status, refusal.reason]).toEqual([412, "worker_not_registered"]);
  }
  expect((await client.report("complete", held!)).status).toBe(200);
  expect((await client.poll("w", "q", { poll_request_id: "p" })).status).toBe(412);
});

it("survives the engine, with its token", async () => {
  const file = `${temporaryFolder()}/engine.db`;
  const before = createLocalEngine({ file, longPollSeconds: 0 });
  const client = new Client((await before.listen()).url);
  client.protocolVersion = PROTOCOL_VERSION;
  const token = await tokenOf(client);
  await before.close();
  const after = createLocalEngine({ file, longPollSeconds: 0 });
  cleanUp(() => after.close());
  const again = new Client((await after.listen()).url);
  again.protocolVersion = PROTOCOL_VERSION;
  expect((await again.poll("w", "q")).status).toBe(200);
  expect((await end(again, token)).status).toBe(200);
});
