import { readRetryRule, retryAfterFailure, retryIfAttemptsLeft } from "../control/retry-policy.js";
import type { LeasedTask } from "./task.js";

/**
 * Whether another attempt follows a failure of this one, by the task's policy and the rule of every engine: the answer to a
 * report does not say it. `schedule_to_close` may pass before that attempt begins.
 *
 * @param failure as it was recorded; `nonRetryable` is null where the engine has recorded one of its own, and the answer then
 *   null, unless this was the last attempt
 */
export function willRetry(
  { retryPolicy, attempt }: Pick<LeasedTask, "retryPolicy" | "attempt">,
  { nonRetryable, type }: { readonly nonRetryable: boolean | null; readonly type: string | null },
): boolean | null {
  const rule = readRetryRule(retryPolicy);
  if (rule === null) return false;
  if (nonRetryable !== null) return retryAfterFailure(rule, attempt, { nonRetryable, type }).retries;
  return retryIfAttemptsLeft(rule, attempt).retries ? null : false;
}
