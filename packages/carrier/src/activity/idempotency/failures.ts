import type { TaskFailure } from "../run/failures.js";
import { fingerprintDifference } from "./fingerprint.js";

/** The task's deadline passed while another run held its key. */
export function inProgress(): TaskFailure {
  return {
    classification: "application_error",
    type: "IdempotencyInProgress",
    message: "Another run with this idempotency key was not done before the deadline of this task.",
    retryable: true,
  };
}

/** The key stands for other work. The key itself is not shown: an application may make it of anything. */
export function keyReused(used: string, asked: string): TaskFailure {
  const difference = fingerprintDifference(used, asked);
  return {
    classification: "application_error",
    type: "IdempotencyKeyReused",
    message: `The idempotency key was used before, with ${difference === "arguments" ? "other arguments" : "another activity type"}.`,
    retryable: false,
  };
}

export function storeUnavailable(problem: string): TaskFailure {
  return {
    classification: "application_error",
    type: "IdempotencyStoreUnavailable",
    message: `The handler was not run: ${problem}`,
    retryable: true,
  };
}
