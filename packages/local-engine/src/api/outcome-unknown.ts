import { RETRY_AFTER_SECONDS } from "@durable-workflow/engine-protocol";
import type { BackendOperation, OutcomeUnknown } from "@durable-workflow/engine-protocol/worker";
import { type JsonObject, type Reply, ReplyError } from "../http/call.js";
import { isStopping } from "../http/unavailable.js";

export interface Operation {
  readonly operation: BackendOperation;
  readonly workerId: string;
  /** Null where the operation has none. */
  readonly taskQueue: string | null;
  /** What else names the request. */
  readonly ids?: JsonObject;
}

/**
 * Does what a worker asks for. Where the engine is closed before it is known how that went, the answer says so in the form
 * that workers know: they send the same request again, until an engine is there.
 *
 * @throws {ReplyError} 503
 */
export async function orOutcomeUnknown<Value>(operation: Operation, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!isStopping(error)) throw error;
    const { status, body, headers } = outcomeUnknown(operation);
    throw new ReplyError(status, body, headers);
  }
}

/** 503 `backend_unavailable`, with all that tells which request it answers. */
export function outcomeUnknown({ operation, workerId, taskQueue, ids = {} }: Operation): Reply {
  const seconds = RETRY_AFTER_SECONDS.busy;
  const answer: OutcomeUnknown = {
    reason: "backend_unavailable",
    operation,
    outcome: "unknown",
    message: "The engine is being stopped. Send the same request again.",
    worker_id: workerId,
    task_queue: taskQueue,
    retryable: true,
    retry_after_seconds: seconds,
  };
  return { status: 503, body: { ...answer, ...ids }, headers: { "Retry-After": String(seconds) } };
}
