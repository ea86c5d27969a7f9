import { type DeadlineKind, type FailureVerdict, MICROS_PER_SECOND, type Micros, type RetryPolicy } from "./model.js";

/** How long to wait before the next attempt, or undefined when there is none. */
export function retryAfterFailure(
  policy: RetryPolicy,
  attemptNumber: number,
  failure: FailureVerdict,
): Micros | undefined {
  if (failure.nonRetryable) return undefined;
  if (failure.type !== null && policy.nonRetryableErrorTypes.includes(failure.type)) return undefined;
  return retryIfAttemptsLeft(policy, attemptNumber);
}

/** As {@link retryAfterFailure}. `schedule_to_close` bounds all attempts together, so none follows it. */
export function retryAfterTimeout(
  policy: RetryPolicy,
  attemptNumber: number,
  deadline: DeadlineKind,
): Micros | undefined {
  return deadline === "schedule_to_close" ? undefined : retryIfAttemptsLeft(policy, attemptNumber);
}

function retryIfAttemptsLeft({ maxAttempts, backoffSeconds }: RetryPolicy, attemptNumber: number): Micros | undefined {
  if (attemptNumber >= maxAttempts) return undefined;
  const seconds = backoffSeconds[Math.min(attemptNumber, backoffSeconds.length) - 1] ?? 0;
  return seconds * MICROS_PER_SECOND;
}
