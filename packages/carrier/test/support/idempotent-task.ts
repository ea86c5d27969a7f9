import type { ActivityInfo } from "../../src/activity/context.js";
import type { IdempotentTask } from "../../src/activity/idempotency/idempotency.js";
import { guardLogger } from "../../src/activity/logger.js";
import type { TaskOutcome } from "../../src/activity/run/failures.js";
import { payloadEnvelope } from "../../src/payload/index.js";

export function activityInfo(changes: Partial<ActivityInfo> = {}): ActivityInfo {
  return {
    taskId: "task-lamp-7",
    attempt: 2,
    attemptId: "attempt-lamp-7-b",
    activityType: "lamps.dim",
    taskQueue: "lamps",
    workflowId: "evening-routine",
    runId: "run-evening-1",
    idempotencyKey: "attempt-lamp-7-b",
    executionId: "execution-lamp-7",
    lease: { owner: "carrier-cellar", expiresAt: new Date("2999-06-01T12:30:00Z"), renewedBy: undefined },
    deadlines: {
      scheduleToStart: undefined,
      startToClose: undefined,
      scheduleToClose: undefined,
      heartbeat: undefined,
    },
    ...changes,
  };
}

/** A task to dim lamp 7 to level 3, which nothing ends. */
export function idempotentTask(
  execute: () => Promise<TaskOutcome>,
  changes: Partial<IdempotentTask> = {},
): IdempotentTask {
  const args = changes.args ?? ["lamp-7", 3];
  const payload = { ...payloadEnvelope(args) };
  const signal = new AbortController().signal;
  return { info: activityInfo(), args, payload, signal, logger: guardLogger(undefined), execute, ...changes };
}
