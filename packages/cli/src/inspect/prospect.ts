import { ERAS, forEachEra, speaks } from "@durable-workflow/engine-protocol";
import { type RetryRule, retryAfterFailure } from "@durable-workflow/engine-protocol/control";
import type { Fate, Prospect } from "./inspection.js";

/** How an engine decides about another attempt. The rules differ between servers: see worker protocol, fail. */

/** What of a report to the engine matters. */
export interface FailureFacts {
  /** `non_retryable` of the report. */
  readonly nonRetryable: boolean;
  /** Whether the report has `details`, null included: servers of April lose what else it says where it has none. */
  readonly hasDetails: boolean;
  readonly type: string | null;
  /** From 1; undefined where that is not known. */
  readonly attempt?: number | undefined;
  /** Null for a task without one, undefined where that is not known. */
  readonly policy?: RetryRule | null | undefined;
}

interface Decision {
  readonly fate: Fate;
  readonly why: string;
}

/** What the engine does after a report of failure, by its era. */
export function failureProspect(facts: FailureFacts): Prospect {
  const decided = forEachEra((version) => decide(facts, facts.hasDetails || speaks(version, "failureFlags")));
  const { current, april } = decided;
  const explanation = [`${SENTENCES[current.fate]}: ${current.why}.`];
  if (april.fate !== current.fate) {
    explanation.push(
      `A server of April 2026 (protocol ${ERAS.april}) decides otherwise. ${SENTENCES[april.fate]}: without details it loses type and flags, and then ${april.why}. Always send details; null is enough.`,
    );
  }
  return { ...forEachEra((_, era) => decided[era].fate), explanation };
}

const SENTENCES: Readonly<Record<Fate, string>> = {
  completed: "The activity is completed",
  retried: "The engine tries again",
  retried_while_attempts_left: "The engine tries again while attempts are left",
  failed: "The activity fails for good",
  ignored: "Nothing is recorded",
};

/** @param keepsFlags whether the server sees type and flags of the report */
function decide({ nonRetryable, type, attempt, policy }: FailureFacts, keepsFlags: boolean): Decision {
  const seen = keepsFlags ? { nonRetryable, type } : { nonRetryable: false, type: null };
  // Without a policy that is known, the flags alone can decide, and do so at any attempt.
  const decision = retryAfterFailure(policy ?? NO_RULE, attempt ?? 1, seen);
  if (!decision.retries && decision.because === "non_retryable") {
    return { fate: "failed", why: "it is told non_retryable" };
  }
  if (!decision.retries && decision.because === "non_retryable_type") {
    return { fate: "failed", why: `${type ?? ""} is one of the policy's non_retryable_error_types` };
  }
  if (policy === null) return { fate: "failed", why: "the task has no retry policy" };
  if (policy === undefined || attempt === undefined) {
    const why = "the retry policy is not known here (--poll FILE gives it)";
    return { fate: "retried_while_attempts_left", why };
  }
  if (!decision.retries) return { fate: "failed", why: `attempt ${attempt} of ${policy.maxAttempts} was the last` };
  const delay = decision.afterSeconds;
  return {
    fate: "retried",
    why: `attempt ${attempt} of ${policy.maxAttempts}, the next one ${delay === 0 ? "at once" : `after ${delay} s`}`,
  };
}

/** Stands for a policy that is not there, or not known. */
const NO_RULE: RetryRule = { maxAttempts: 1, backoffSeconds: [], nonRetryableErrorTypes: [] };
