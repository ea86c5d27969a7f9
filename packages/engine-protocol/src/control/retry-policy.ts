import { isObject, listField, numberAt, textsField } from "../fields.js";

/** How an engine decides about another attempt. */

export interface RetryRule {
  /** Attempts in all. */
  readonly maxAttempts: number;
  /** Seconds between a failed attempt and the next; the last one repeats, and none means none. */
  readonly backoffSeconds: readonly number[];
  /** Types of failures that end the activity. */
  readonly nonRetryableErrorTypes: readonly string[];
}

/** The policy of a task, as tasks and histories carry it. */
export interface RetryPolicyWire {
  readonly snapshot_version: number;
  readonly max_attempts: number;
  readonly backoff_seconds: readonly number[];
  /** Seconds; null for none. */
  readonly start_to_close_timeout: number | null;
  readonly schedule_to_start_timeout: number | null;
  readonly schedule_to_close_timeout: number | null;
  readonly heartbeat_timeout: number | null;
  readonly non_retryable_error_types: readonly string[];
}

/**
 * The rule of a `retry_policy`, as tasks carry it; null where that is no object. A task without one gets no other attempt.
 * What of it cannot be read counts as not there: one attempt, no pause, no types.
 */
export function readRetryRule(policy: unknown): RetryRule | null {
  if (!isObject(policy)) return null;
  return {
    maxAttempts: numberAt(policy, "max_attempts") ?? 1,
    backoffSeconds: listField(policy, "backoff_seconds").filter((item) => typeof item === "number"),
    nonRetryableErrorTypes: textsField(policy, "non_retryable_error_types"),
  };
}

/** What of a failure decides. */
export interface FailureFacts {
  readonly nonRetryable: boolean;
  /** Null for a failure without a type. */
  readonly type: string | null;
}

/** Whether there is another attempt after a failure, and when, or why not. */
export type RetryDecision =
  | { readonly retries: true; readonly afterSeconds: number }
  | { readonly retries: false; readonly because: WhyNoRetry };

/** Why there is no further attempt. */
export type WhyNoRetry =
  | "non_retryable" // the failure says so
  | "non_retryable_type" // the policy names its type
  | "attempts_used"; // that was the last attempt

/**
 * The rule for another attempt after a failure, the same for every engine.
 *
 * @param attempt number of the attempt that failed, from 1
 */
export function retryAfterFailure(rule: RetryRule, attempt: number, failure: FailureFacts): RetryDecision {
  if (failure.nonRetryable) return { retries: false, because: "non_retryable" };
  if (failure.type !== null && rule.nonRetryableErrorTypes.includes(failure.type)) {
    return { retries: false, because: "non_retryable_type" };
  }
  return retryIfAttemptsLeft(rule, attempt);
}

/** As {@link retryAfterFailure}, for an attempt that nothing but its end is known of. */
export function retryIfAttemptsLeft(rule: RetryRule, attempt: number): RetryDecision {
  if (attempt >= rule.maxAttempts) return { retries: false, because: "attempts_used" };
  return { retries: true, afterSeconds: backoffAfter(rule, attempt) };
}

/** Seconds between a failed attempt and the next. */
export function backoffAfter({ backoffSeconds }: Pick<RetryRule, "backoffSeconds">, attempt: number): number {
  return backoffSeconds[Math.min(attempt, backoffSeconds.length) - 1] ?? 0;
}
