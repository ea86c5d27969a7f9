import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";

/** A task to dim lamp 7, leased until the year 2999. */
export function leasedTask(changes: Partial<LeasedTask> = {}): LeasedTask {
  return {
    namespace: "cellar",
    taskId: "task-7",
    attemptId: "ATTEMPT-7",
    leaseOwner: "dispatcher-1",
    executionId: "execution-7",
    attempt: 2,
    activityType: "lamps.dim",
    taskQueue: "lamps",
    connection: null,
    workflowId: "evening",
    runId: "run-1",
    leaseExpiresAt: "2999-06-01T12:00:00.000000Z",
    leaseExpiresAtMs: Date.UTC(2999, 5, 1, 12),
    leaseGrantedAtMs: null,
    deadlines: { schedule_to_start: null, start_to_close: null, schedule_to_close: null, heartbeat: null },
    heartbeatTimeoutMs: null,
    arguments: null,
    externalExecutor: null,
    headers: {},
    workerSession: null,
    closesAtMs: null,
    retryPolicy: null,
    ...changes,
  };
}

/** A result for {@link leasedTask}. */
export function resultFor(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    schema: "durable-workflow.v2.external-task-result",
    version: 1,
    outcome: { status: "succeeded", recorded: false },
    task: { id: "task-7", kind: "activity_task", attempt: 2, idempotency_key: "ATTEMPT-7" },
    result: { payload: { codec: "avro", blob: "wwHioz3/VYAiNwoIZG9uZQ==" }, metadata: null },
    metadata: { handler: "lamps.dim", carrier: "test", duration_ms: 1 },
    ...changes,
  };
}

export function failedFor(failure: Readonly<Record<string, unknown>> = {}, retryable = true): Record<string, unknown> {
  return resultFor({
    outcome: { status: "failed", retryable, recorded: false },
    failure: {
      kind: "application",
      classification: "application_error",
      message: "The lamp does not answer.",
      type: "LampOffline",
      stack_trace: null,
      timeout_type: null,
      cancelled: false,
      details: null,
      ...failure,
    },
  });
}
