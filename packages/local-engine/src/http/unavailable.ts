import { RETRY_AFTER_SECONDS, type Reason } from "@durable-workflow/engine-protocol";
import type { PollStorageRefusal, StorageRefusal } from "@durable-workflow/engine-protocol/worker";
import { isLocalEngineError } from "../errors.js";
import type { Reply } from "./call.js";

/** Answers of 503: the same request may succeed later. */
export function unavailable(reason: Reason, message: string, more: Reply["body"] = {}): Reply {
  const seconds = RETRY_AFTER_SECONDS.busy;
  return {
    status: 503,
    body: { ...more, message, reason, retry_after_seconds: seconds },
    headers: { "Retry-After": String(seconds) },
  };
}

/** Nothing of the request was recorded, and the same bytes can be sent again until there is room. */
export function storageRefusal(poll?: { readonly pollRequestId: string | null }): Reply {
  const seconds = RETRY_AFTER_SECONDS.storage;
  const refusal: StorageRefusal = {
    reason: "storage_pressure",
    storage_state: "fenced",
    message: "The engine's storage cannot be written; nothing was recorded. Send the same request again.",
    retryable: true,
    retry_after_seconds: seconds,
    request_admitted: false,
  };
  const headers = { "Retry-After": String(seconds) };
  if (poll === undefined) return { status: 503, body: refusal, headers };
  const body: PollStorageRefusal = {
    ...refusal,
    task: null,
    poll_status: refusal.reason,
    poll_request_id: poll.pollRequestId,
    retry_same_poll_request_id: true,
    claim_admitted: false,
  };
  return { status: 503, body, headers };
}

/** Whether the engine was closed before a request was done with. */
export function isStopping(error: unknown): boolean {
  return isLocalEngineError(error) && error.code === "closed";
}
