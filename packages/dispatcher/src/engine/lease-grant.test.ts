import { describe, expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import { type LeaseGrant, readLeaseGrant, readRenewalOutcome } from "./lease-grant.js";
import type { EngineReply } from "./reply.js";

const NOW = "2999-06-01T11:00:00.000000Z";
const LATER = "2999-06-01T11:05:00.000000Z";
const task = leasedTask();
const last: LeaseGrant = {
  leaseMs: 60_000,
  closesInMs: Number.POSITIVE_INFINITY,
  countsFrom: 5,
  serverTimeMs: Date.parse(NOW) - 30_000,
  expiresAtMs: Date.parse(NOW) + 30_000,
};
const answer = {
  task_id: task.taskId,
  workflow_task_id: task.taskId,
  workflow_instance_id: task.workflowId,
  workflow_run_id: task.runId,
  activity_execution_id: task.executionId,
  activity_attempt_id: task.attemptId,
  attempt_number: task.attempt,
  lease_owner: task.leaseOwner,
  lease_renewed: true,
  can_continue: true,
  cancel_requested: false,
  heartbeat_recorded: false,
  reason: null,
  server_time: NOW,
  lease_expires_at: LATER,
};
const reply = (body: Record<string, unknown>, status = 200): EngineReply => ({
  kind: "reply",
  status,
  body,
  reason: typeof body["reason"] === "string" ? body["reason"] : null,
  message: "said",
  retryAfterMs: undefined,
});
const read = (body: Record<string, unknown>, status = 200) => readRenewalOutcome(reply(body, status), task, last, 7);

describe("a grant", () => {
  it("lasts by the engine's own two times, and until the work must be over", () => {
    expect(readLeaseGrant({ server_time: NOW }, LATER, Date.parse(NOW) + 9_000, 7)).toEqual({
      leaseMs: 300_000,
      closesInMs: 9_000,
      countsFrom: 7,
      serverTimeMs: Date.parse(NOW),
      expiresAtMs: Date.parse(LATER),
    });
  });

  it.each([
    [undefined, LATER],
    [NOW, undefined],
    ["2999-06-01T11:00:00Z", LATER],
    ["2999-06-01T11:00:00.000Z", LATER],
    ["2999-06-01T11:00:00.000000+00:00", LATER],
    [NOW, "2999-06-01T11:05:00.000Z"],
    [NOW, NOW],
    [LATER, NOW],
    [NOW, "2999-06-02T11:00:00.000001Z".replace("000001", "001000")],
  ])("is none by times that are not exact, or make no sense: %s to %s", (server_time, expires) => {
    expect(readLeaseGrant({ server_time }, expires, null, 0)).toBeUndefined();
  });
});

describe("a renewal", () => {
  it("counts from when it was sent", () => {
    expect(read(answer)).toMatchObject({ kind: "renewed", grant: { leaseMs: 300_000, countsFrom: 7 } });
    const { task_id: _, ...without } = answer;
    expect(read(without)).toMatchObject({ kind: "renewed" });
  });

  it.each(
    Object.entries({
      task_id: "another",
      workflow_task_id: "another",
      workflow_instance_id: "another",
      workflow_run_id: "another",
      activity_execution_id: "another",
      activity_attempt_id: "another",
      attempt_number: 3,
      lease_owner: "another",
      lease_renewed: "true",
      can_continue: "true",
      server_time: "2999-06-01T11:00:00Z",
      lease_expires_at: null,
    }),
  )("with another %s ends the lease here", (name, value) => {
    expect(read({ ...answer, [name]: value })).toEqual({ kind: "lost", reason: "renewal_not_understood" });
  });

  it("that takes time back ends the lease here", () => {
    const earlier = "2999-06-01T10:00:00.000000Z";
    expect(read({ ...answer, server_time: earlier, lease_expires_at: NOW })).toMatchObject({ kind: "lost" });
  });

  it.each<[number, Record<string, unknown>, object]>([
    [409, { reason: "lease_expired", can_continue: false }, { kind: "lost", reason: "lease_expired" }],
    [409, { reason: "run_cancelled", can_continue: false, cancel_requested: true }, { kind: "stop", runClosed: true }],
    [
      409,
      { reason: "activity_cancelled", can_continue: false, cancel_requested: true },
      { kind: "stop", runClosed: false },
    ],
    [200, { ...answer, can_continue: false, reason: "run_terminated" }, { kind: "stop", runClosed: true }],
    [404, { reason: "attempt_not_found" }, { kind: "lost", reason: "attempt_not_found" }],
    [503, { reason: "backend_lock_pressure" }, { kind: "unavailable" }],
    [429, {}, { kind: "unavailable" }],
    [401, { reason: "unauthorized" }, { kind: "refused" }],
  ])("is refused: %i %j", (status, body, expected) => {
    expect(read(body, status)).toMatchObject(expected);
  });
});
