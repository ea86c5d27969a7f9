import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import type { Held, Json } from "@durable-workflow/test-support/engine-client";
import { expect, it } from "vitest";
import { openEngine } from "./support/engine.js";

const STAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

interface Opened extends Awaited<ReturnType<typeof openEngine>> {
  readonly held: Held;
}

/** An engine with one activity that is leased out. */
async function hold(more: object = {}, options: Parameters<typeof openEngine>[0] = {}): Promise<Opened> {
  const opened = await openEngine({ longPollSeconds: 0, leaseSeconds: 60, ...options });
  const { client } = opened;
  await client.register("w", "q", ["t"]);
  await client.started("t", "q", { activity_id: "a", ...more });
  client.protocolVersion = PROTOCOL_VERSION;
  return { ...opened, held: (await client.take("w", "q"))! };
}

const micros = (stamp: string): number => Date.parse(stamp) * 1000 + Number(stamp.slice(-4, -1));

it("the answer to a poll tells the engine's time, not before the claim", async () => {
  const { client } = await openEngine({ longPollSeconds: 0 });
  await client.register("w", "q", ["t"]);
  await client.started("t", "q", { heartbeat_timeout_seconds: 5, schedule_to_close_timeout_seconds: 50 });
  const { body } = await client.poll("w", "q", { poll_request_id: "p" });
  const { task, server_time: now } = body;
  for (const stamp of [now, task.lease_expires_at, ...Object.values<string>(task.deadlines)]) {
    expect(stamp).toMatch(STAMP);
  }
  expect(micros(task.lease_expires_at) - micros(now)).toBeLessThanOrEqual(300_000_000);
  expect(micros(task.deadlines.heartbeat) - micros(now)).toBeLessThanOrEqual(5_000_000);
  expect(body.server_capabilities.activity_lease_renewal).toBe(true);
  expect((await client.poll("w", "q")).body).not.toHaveProperty("server_time");
});

it("a lease is renewed without a sign of life: nothing else of the attempt changes", async () => {
  const { client, clock, held } = await hold({ heartbeat_timeout_seconds: 100, start_to_close_timeout_seconds: 600 });
  await client.report("heartbeat", held);
  const before = await client.describe("a");
  const history = await client.history("a");
  await clock.advance(50_000);
  const { status, body } = await client.report("renew-lease", held);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    task_id: held.taskId,
    workflow_task_id: held.taskId,
    workflow_instance_id: "a",
    workflow_run_id: held.task.run_id,
    activity_execution_id: held.task.activity_execution_id,
    activity_attempt_id: held.attemptId,
    attempt_number: 1,
    lease_owner: "w",
    lease_renewed: true,
    can_continue: true,
    cancel_requested: false,
    heartbeat_recorded: false,
    reason: null,
  });
  expect(micros(body.lease_expires_at) - micros(body.server_time)).toBe(60_000_000);
  // What a worker needs to know of its heartbeats' bound.
  expect(body.last_heartbeat_at).toBe(before.last_heartbeat_at);
  expect(micros(body.heartbeat_deadline_at) - micros(body.last_heartbeat_at)).toBe(100_000_000);
  const after = await client.describe("a");
  const lease = { lease_expires_at: body.lease_expires_at };
  const [attempt] = before.attempts;
  expect(after.attempts).toEqual([{ ...attempt, ...lease }]);
  expect(after.last_progress_at).toBe(before.last_progress_at);
  expect(await client.history("a")).toEqual(history);
  // It lives as long as it is renewed, and no longer.
  await clock.advance(40_000);
  expect((await client.report("renew-lease", held)).body.lease_renewed).toBe(true);
  await clock.advance(59_999);
  expect((await client.describe("a")).activity_status).toBe("failed");
});

it("a heartbeat timeout is not put off by renewals", async () => {
  const { client, clock, held } = await hold({ heartbeat_timeout_seconds: 5 });
  for (let second = 0; second < 4; second++) {
    await clock.advance(1000);
    expect((await client.report("renew-lease", held)).status).toBe(200);
  }
  await clock.advance(1001);
  expect(await client.describe("a")).toMatchObject({ status: "failed", closed_reason: "timed_out" });
  expect(await client.report("renew-lease", held)).toMatchObject({
    status: 409,
    body: { lease_renewed: false, can_continue: false, reason: "attempt_closed" },
  });
});

it.each([
  ["lease_expired", {}, 60_000],
  ["heartbeat_timeout", { heartbeat_timeout_seconds: 5 }, 5000],
  ["start_to_close_timeout", { start_to_close_timeout_seconds: 5 }, 5000],
  ["schedule_to_close_timeout", { schedule_to_close_timeout_seconds: 5, start_to_close_timeout_seconds: 4 }, 5000],
])("once it is over, %s is said before anybody has enforced it, and nothing is revived", async (reason, more, ms) => {
  const { client, clock, held } = await hold(more);
  clock.jump(ms + 1);
  const refusal = { can_continue: false, cancel_requested: false, heartbeat_recorded: false, reason };
  const status = await client.report("status", held);
  expect(status).toMatchObject({
    status: 200,
    body: { ...refusal, attempt_status: "running", task_status: "leased", activity_status: "running" },
  });
  expect(await client.report("renew-lease", held)).toMatchObject({
    status: 409,
    body: {
      ...refusal,
      lease_renewed: false,
      task_id: held.taskId,
      activity_attempt_id: held.attemptId,
      lease_owner: "w",
      lease_expires_at: status.body.lease_expires_at,
    },
  });
});

it("a status tells where all stands, and changes nothing", async () => {
  const { client, clock, held } = await hold({ heartbeat_timeout_seconds: 30, retry_policy: { max_attempts: 2 } });
  await client.report("heartbeat", held, { current: 1 });
  const before = [await client.describe("a"), await client.history("a")];
  await clock.advance(2000);
  const { status, body } = await client.report("status", held);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    task_id: held.taskId,
    activity_attempt_id: held.attemptId,
    lease_owner: "w",
    can_continue: true,
    cancel_requested: false,
    reason: null,
    heartbeat_recorded: false,
    lease_expires_at: expect.stringMatching(STAMP),
    last_heartbeat_at: expect.stringMatching(STAMP),
    run_status: "running",
    run_closed_reason: null,
    run_closed_at: null,
    activity_status: "running",
    attempt_status: "running",
    task_status: "leased",
    deadlines: { heartbeat: expect.stringMatching(STAMP) },
    worker_session: null,
  });
  expect([await client.describe("a"), await client.history("a")]).toEqual(before);
  await client.report("fail", held, { failure: { message: "no" } });
  expect((await client.report("status", held)).body).toMatchObject({
    can_continue: false,
    reason: "attempt_closed",
    attempt_status: "failed",
    activity_status: "pending",
    task_status: "completed",
    deadlines: null,
    lease_expires_at: null,
  });
});

it.each([
  ["cancel", "run_cancelled", "cancelled"],
  ["terminate", "run_terminated", "terminated"],
])("after a %s both say %s", async (verb, reason, closed) => {
  const { client, held } = await hold();
  await client.call("POST", `/api/workflows/a/${verb}`, {});
  const said = { can_continue: false, cancel_requested: true, reason };
  expect(await client.report("status", held)).toMatchObject({
    status: 200,
    body: { ...said, run_status: closed, run_closed_reason: closed, task_status: "cancelled" },
  });
  expect(await client.report("renew-lease", held)).toMatchObject({
    status: 409,
    body: { ...said, lease_renewed: false },
  });
});

it.each(["renew-lease", "status"] as const)("%s is for the owner of the attempt alone", async (verb) => {
  const { client, held } = await hold();
  const ask = async (task: string, body: object): Promise<readonly [number, Json]> => {
    const answer = await client.call("POST", `/api/worker/activity-tasks/${task}/${verb}`, body);
    return [answer.status, answer.body.reason];
  };
  const claim = { activity_attempt_id: held.attemptId, lease_owner: "w" };
  expect(await ask("none", claim)).toEqual([404, "task_not_found"]);
  expect(await ask(held.taskId, { ...claim, activity_attempt_id: "none" })).toEqual([404, "attempt_not_found"]);
  expect(await ask(held.taskId, { ...claim, lease_owner: "v" })).toEqual([409, "lease_owner_mismatch"]);
  expect(await ask(held.taskId, {})).toEqual([422, "validation_failed"]);
});

it("a status needs a version that has it", async () => {
  const { client, held } = await hold();
  client.protocolVersion = "1.19";
  expect(await client.report("status", held)).toMatchObject({
    status: 422,
    body: { reason: "activity_attempt_status_unavailable", minimum_protocol_version: "1.20" },
  });
  expect((await client.report("renew-lease", held)).status).toBe(200);
});

it("a report that comes too late is told where the attempt stands", async () => {
  const { client, held } = await hold();
  await client.report("complete", held, { result: null });
  const stands = {
    lease_owner: "w",
    activity_status: "completed",
    attempt_status: "completed",
    task_status: "completed",
  };
  for (const verb of ["complete", "fail"] as const) {
    expect(await client.report(verb, held, { failure: { message: "no" } })).toMatchObject({
      status: 409,
      body: { reason: "stale_attempt", recorded: false, ...stands },
    });
  }
});

it("a failure of the size that reports may have is kept, with all that it says", async () => {
  const { client, held } = await hold();
  const failure = {
    message: "m".repeat(63_488),
    type: "Broken",
    class: "app.errors.Broken",
    code: 7,
    stack_trace: "s".repeat(131_072),
    kind: "application",
    retryable: false,
    non_retryable: true,
    cancelled: false,
    malformed_output: false,
    timeout_type: "deadline_exceeded",
    details: null,
    diagnostics: { failure_report: { omitted_fields: { details: 70_000 } } },
    runtime_diagnostics: { node: 22 },
  };
  expect((await client.report("fail", held, { failure })).status).toBe(200);
  const { failure: told } = await client.describe("a");
  const { details, retryable, cancelled, malformed_output: malformed, ...same } = failure;
  expect([details, retryable, cancelled, malformed]).toEqual([null, false, false, false]);
  expect(told).toMatchObject(same);
  const events = await client.history("a");
  const failed = events.find(({ event_type: type }) => type === "ActivityFailed").payload.exception;
  expect(failed).toEqual({
    type: "Broken",
    message: failure.message,
    code: 7,
    kind: "application",
    retryable: false,
    non_retryable: true,
    timeout_type: "deadline_exceeded",
    cancelled: false,
    malformed_output: false,
    diagnostics: failure.diagnostics,
    runtime_diagnostics: failure.runtime_diagnostics,
  });
});

it.each([
  [{ diagnostics: [] }, "failure.diagnostics"],
  [{ runtime_diagnostics: "x" }, "failure.runtime_diagnostics"],
  [{ code: "x" }, "failure.code"],
  [{ class: 7 }, "failure.class"],
])("a failure with %j is refused by its field, and not recorded", async (more, field) => {
  const { client, held } = await hold();
  const { status, body } = await client.report("fail", held, { failure: { message: "no", ...more } });
  expect([status, Object.keys(body.errors)]).toEqual([422, [field]]);
  expect((await client.describe("a")).activity_status).toBe("running");
});

it("history tells of failures without the inside of any runtime", async () => {
  const { client, clock, held } = await hold({ start_to_close_timeout_seconds: 1 });
  await clock.advance(1001);
  expect(held).toBeDefined();
  const { exception } = (await client.history("a")).find(({ event_type: type }) => type === "WorkflowFailed").payload;
  const neutral = [
    "type",
    "message",
    "code",
    "kind",
    "classification",
    "retryable",
    "non_retryable",
    "timeout_type",
    "cancelled",
    "malformed_output",
    "details",
    "details_payload_codec",
    "diagnostics",
    "runtime_diagnostics",
  ];
  expect(neutral).toEqual(expect.arrayContaining(Object.keys(exception)));
  expect(exception).toMatchObject({ kind: "timeout", timeout_type: "start_to_close" });
});

it.each([
  ["external_payload", { codec: "avro", external_payload: { reference_id: "ep_1" } }],
  ["external_storage", { codec: "avro", external_storage: { uri: "s3://b/k" } }],
])("an %s reference is refused, and nothing is recorded", async (_, reference) => {
  const { client, held } = await hold();
  const refused = {
    status: 422,
    body: {
      task_id: held.taskId,
      activity_attempt_id: held.attemptId,
      outcome: "rejected",
      recorded: false,
      reason: "external_payload_unsupported",
      retryable: false,
      status: 422,
    },
  };
  expect(await client.report("complete", held, { result: reference })).toMatchObject(refused);
  const failure = { message: "no", details: reference };
  expect(await client.report("fail", held, { failure })).toMatchObject(refused);
  if ("external_storage" in reference) {
    for (const details of [reference, { external_storage: "s3://b/k" }, { external_storage: null }]) {
      expect(await client.report("heartbeat", held, { details })).toMatchObject(refused);
    }
    expect((await client.report("heartbeat", held, { details: { note: "external_storage" } })).status).toBe(200);
  }
  expect((await client.start("t", "q", { activity_id: "b", input: reference })).status).toBe(422);
  expect((await client.describe("a")).activity_status).toBe("running");
});

it("details that are null are no details, as a heartbeat of Rust sends them", async () => {
  const { client, held } = await hold();
  expect((await client.report("heartbeat", held, { details: null })).body).toMatchObject({ heartbeat_recorded: true });
});

it("descriptions and lists tell of attempts, and which is the current one", async () => {
  const { client, clock, held } = await hold({ retry_policy: { max_attempts: 2, backoff_seconds: [1] } });
  await client.report("heartbeat", held, { current: 1, total: 2 });
  const running = await client.describe("a");
  const attempt = {
    id: held.attemptId,
    activity_attempt_id: held.attemptId,
    activity_execution_id: held.task.activity_execution_id,
    workflow_task_id: held.taskId,
    task_id: held.taskId,
    attempt_number: 1,
    status: "running",
    lease_owner: "w",
    lease_expires_at: expect.stringMatching(STAMP),
    started_at: expect.stringMatching(STAMP),
    last_heartbeat_at: expect.stringMatching(STAMP),
    last_heartbeat_progress: { current: 1, total: 2 },
    closed_at: null,
    can_continue: true,
    cancel_requested: false,
    stop_reason: null,
    is_current: true,
  };
  expect(running).toMatchObject({
    current_attempt_id: held.attemptId,
    current_attempt_status: "running",
    current_attempt: attempt,
    attempts: [attempt],
    attempt_state: {
      activity_execution_id: held.task.activity_execution_id,
      attempt_count: 1,
      current_attempt_id: held.attemptId,
      current_attempt_status: "running",
      attempts: [attempt],
    },
  });
  await client.report("fail", held, { failure: { message: "no" } });
  await clock.advance(1001);
  const second = await client.take("w", "q");
  await client.call("POST", "/api/workflows/a/cancel", {});
  const over = { status: "failed", can_continue: false, stop_reason: "attempt_closed", is_current: false };
  const cancelled = { status: "cancelled", cancel_requested: true, stop_reason: "run_cancelled", is_current: true };
  expect(await client.describe("a")).toMatchObject({
    current_attempt_id: second?.attemptId,
    current_attempt_status: "cancelled",
    attempts: [over, cancelled],
  });
  const { body } = await client.call("GET", "/api/activities");
  expect(body.activities[0]).toMatchObject({
    workflow_id: "a",
    activity_execution_id: held.task.activity_execution_id,
    activity_status: "cancelled",
    attempt_count: 2,
    current_attempt: cancelled,
    attempt_state: { attempts: [over, cancelled] },
  });
  await client.started("t", "q", { activity_id: "new" });
  expect(await client.describe("new")).toMatchObject({
    current_attempt_id: null,
    current_attempt_status: null,
    current_attempt: null,
    attempts: [],
  });
});
