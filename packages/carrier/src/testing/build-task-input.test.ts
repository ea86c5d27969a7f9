import { describe, expect, it } from "vitest";
import { decodePayload } from "../payload/envelope.js";
import { externalTaskInputViolations, parseTimestamp } from "../protocol/index.js";
import { buildTaskInput } from "./build-task-input.js";

const NOW = Date.UTC(2999, 5, 1, 12);

describe("buildTaskInput", () => {
  it("makes a valid task of nothing, another one each time", () => {
    const [first, second] = [buildTaskInput(), buildTaskInput()];
    expect(externalTaskInputViolations(JSON.parse(JSON.stringify(first)))).toEqual([]);
    expect(first.task.id).not.toBe(second.task.id);
    expect(first.task.activity_attempt_id).not.toBe(second.task.activity_attempt_id);
    expect(first.task.idempotency_key).toBe(first.task.activity_attempt_id);
    expect(parseTimestamp(first.lease.expires_at)).toBeGreaterThan(Date.now());
  });

  it("says what it is told", () => {
    const envelope = buildTaskInput({
      activityType: "lamps.dim",
      args: ["lamp-7", 3],
      attempt: 2,
      taskQueue: "lamps",
      taskId: "task/7",
      attemptId: "attempt-7",
      idempotencyKey: "key-7",
      executionId: "execution-7",
      workflowId: "evening",
      runId: "run-7",
      now: NOW,
      leaseMs: 1000,
      startToCloseMs: 2000,
      scheduleToStartMs: 3000,
      scheduleToCloseMs: 4000,
      heartbeatTimeoutMs: 5000,
      headers: { traceparent: "00-1" },
    });
    expect(externalTaskInputViolations(envelope)).toEqual([]);
    expect(envelope).toMatchObject({
      task: {
        id: "task/7",
        attempt: 2,
        activity_attempt_id: "attempt-7",
        task_queue: "lamps",
        handler: "lamps.dim",
        idempotency_key: "key-7",
      },
      workflow: { id: "evening", run_id: "run-7" },
      lease: {
        expires_at: "2999-06-01T12:00:01.000000Z",
        heartbeat_endpoint: "/api/worker/activity-tasks/task%2F7/heartbeat",
      },
      deadlines: {
        start_to_close: "2999-06-01T12:00:02.000000Z",
        schedule_to_start: "2999-06-01T12:00:03.000000Z",
        schedule_to_close: "2999-06-01T12:00:04.000000Z",
        heartbeat: "2999-06-01T12:00:05.000000Z",
      },
      headers: { activity_execution_id: "execution-7", traceparent: "00-1" },
    });
    expect(decodePayload(envelope.payloads.arguments)).toEqual(["lamp-7", 3]);
  });

  it("has no deadlines where they are null, and no arguments where there are none", () => {
    const envelope = buildTaskInput({ startToCloseMs: null });
    expect(Object.values(envelope.deadlines)).toEqual([null, null, null, null]);
    expect(envelope.payloads.arguments).toBeNull();
  });

  it("sends fields as they are, broken ones too", () => {
    const envelope = buildTaskInput({
      task: { attempt: 0 },
      lease: { expires_at: "soon" },
      deadlines: { heartbeat: "later" },
      payload: { codec: "json" },
    });
    expect(envelope).toMatchObject({
      task: { attempt: 0 },
      lease: { expires_at: "soon" },
      deadlines: { heartbeat: "later" },
      payloads: { arguments: { codec: "json" } },
    });
  });
});
