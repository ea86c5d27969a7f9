import {
  type ActivityTaskInputEnvelope,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  type PayloadEnvelope,
} from "@durable-workflow/carrier/protocol";
import { pathTo } from "../activity-paths.js";
import { PATHS } from "../paths.js";
import type { LeasedTask } from "./task.js";

/** What an envelope says beside the task itself. */
export interface EnvelopeExtras {
  /** Who renews the lease: this dispatcher. */
  readonly renewedBy: string;
  /** The engine's time as the envelope is sent, by this dispatcher's estimate, in milliseconds. Default: not said. */
  readonly sentAtMs?: number;
  /** W3C trace context, for tasks that come without. */
  readonly traceparent: string;
  /** The handler that the sender's own mapping names. Default: the activity's type. */
  readonly mappedTo?: string;
}

/**
 * The envelope that a carrier receives for a leased task. Headers are never empty, since older PHP carriers refuse that:
 * they hold the execution id, which is stable over attempts where `task.idempotency_key` is not, and trace context.
 */
export function activityTaskEnvelope(
  task: LeasedTask,
  { renewedBy, sentAtMs, traceparent, mappedTo = task.activityType }: EnvelopeExtras,
): ActivityTaskInputEnvelope {
  // What the engine says of its mapping is passed on; of the sender's own a carrier needs the handler, where it is another.
  const executor = task.externalExecutor ?? (mappedTo === task.activityType ? null : { handler: mappedTo });
  return {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    task: {
      id: task.taskId,
      kind: "activity_task",
      attempt: task.attempt,
      activity_attempt_id: task.attemptId,
      task_queue: task.taskQueue,
      handler: task.activityType,
      connection: task.connection,
      ...(executor === null ? {} : { external_executor: executor }),
      idempotency_key: task.attemptId,
    },
    workflow: { id: task.workflowId, run_id: task.runId },
    lease: {
      owner: task.leaseOwner,
      expires_at: task.leaseExpiresAt,
      heartbeat_endpoint: pathTo(PATHS.heartbeat, { task: task.taskId }),
      renewed_by: renewedBy,
      ...(sentAtMs !== undefined && isDate(sentAtMs) ? { sent_at: new Date(sentAtMs).toISOString() } : {}),
    },
    // Passed on as it is: what is wrong with a payload is for the carrier to say.
    payloads: { arguments: task.arguments as PayloadEnvelope | null },
    deadlines: task.deadlines,
    headers: {
      traceparent,
      ...task.headers,
      ...(task.executionId === null ? {} : { activity_execution_id: task.executionId }),
    },
  };
}

/** Engines whose clock is beyond all dates have a time that cannot be written. */
function isDate(ms: number): boolean {
  return !Number.isNaN(new Date(ms).getTime());
}
