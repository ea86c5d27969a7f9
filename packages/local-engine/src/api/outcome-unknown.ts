import { RETRY_AFTER_SECONDS } from "@durable-workflow/engine-protocol";
import type { BackendOperation, OutcomeUnknown } from "@durable-workflow/engine-protocol/worker";
import type { JsonObject, Reply } from "../http/call.js";

export interface Operation {
  readonly operation: BackendOperation;
  readonly workerId: string;
  /** Null where the operation has none. */
  readonly taskQueue: string | null;
  /** What is the matter, as a sentence. */
  readonly message: string;
  /** What else names the request. */
  readonly ids?: JsonObject;
}

/**
 * 503 `backend_unavailable`, with all that tells which request it answers: in this form workers know that they may send the
 * same request again.
 */
export function outcomeUnknown({ operation, workerId, taskQueue, message, ids = {} }: Operation): Reply {
  const seconds = RETRY_AFTER_SECONDS.busy;
  const answer: OutcomeUnknown = {
    reason: "backend_unavailable",
    operation,
    outcome: "unknown",
    message: `${message} Send the same request again.`,
    worker_id: workerId,
    task_queue: taskQueue,
    retryable: true,
    retry_after_seconds: seconds,
  };
  return { status: 503, body: { ...answer, ...ids }, headers: { "Retry-After": String(seconds) } };
}
