import {
  type RetryDecision,
  retryIfAttemptsLeft,
  retryAfterFailure as ruleAfterFailure,
} from "@durable-workflow/engine-protocol/control";
import { type DeadlineKind, type FailureVerdict, MICROS_PER_SECOND, type Micros, type RetryPolicy } from "./model.js";

/** How long to wait before the next attempt, or undefined when there is none. */
export function retryAfterFailure(
  policy: RetryPolicy,
  attemptNumber: number,
  failure: FailureVerdict,
): Micros | undefined {
  return delayOf(ruleAfterFailure(policy, attemptNumber, failure));
}

/** As {@link retryAfterFailure}. `schedule_to_close` bounds all attempts together, so none follows it. */
export function retryAfterTimeout(
  policy: RetryPolicy,
  attemptNumber: number,
  deadline: DeadlineKind,
): Micros | undefined {
  return deadline === "schedule_to_close" ? undefined : delayOf(retryIfAttemptsLeft(policy, attemptNumber));
}

function delayOf(decision: RetryDecision): Micros | undefined {
  return decision.retries ? decision.afterSeconds * MICROS_PER_SECOND : undefined;
}
