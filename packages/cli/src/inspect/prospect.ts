import type { Fate, Prospect } from "./inspection.js";
import { at, isObject, numberAt } from "@durable-workflow/engine-protocol";

/** How an engine decides about another attempt. The rules differ between servers: see worker protocol, fail. */

export interface RetryPolicy {
  readonly maxAttempts: number;
  /** The last one repeats; none means none. */
  readonly backoffSeconds: readonly number[];
  readonly nonRetryableTypes: readonly string[];
}

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
  readonly policy?: RetryPolicy | null | undefined;
}

/** The policy of a poll answer's task; null where it has none. */
export function retryPolicyOf(task: unknown): RetryPolicy | null {
  const policy = at(task, "retry_policy");
  if (!isObject(policy)) return null;
  return {
    maxAttempts: numberAt(policy, "max_attempts") ?? 1,
    backoffSeconds: listOf(policy["backoff_seconds"], "number"),
    nonRetryableTypes: listOf(policy["non_retryable_error_types"], "string"),
  };
}

function listOf<Kind extends "number" | "string">(
  value: unknown,
  kind: Kind,
): readonly (Kind extends "number" ? number : string)[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.filter((item): item is Kind extends "number" ? number : string => typeof item === kind);
}

interface Decision {
  readonly fate: Fate;
  readonly why: string;
}

/** What the engine does after a report of failure. */
export function failureProspect(facts: FailureFacts): Prospect {
  const current = decide(facts, true);
  const april = decide(facts, facts.hasDetails);
  const explanation = [`${SENTENCES[current.fate]}: ${current.why}.`];
  if (april.fate !== current.fate) {
    explanation.push(
      `A server of April 2026 (protocol 1.0) decides otherwise. ${SENTENCES[april.fate]}: without details it loses type and flags, and then ${april.why}. Always send details; null is enough.`,
    );
  }
  return { current: current.fate, april: april.fate, explanation };
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
  if (keepsFlags && nonRetryable) return { fate: "failed", why: "it is told non_retryable" };
  if (keepsFlags && type !== null && policy?.nonRetryableTypes.includes(type) === true) {
    return { fate: "failed", why: `${type} is one of the policy's non_retryable_error_types` };
  }
  if (policy === null) return { fate: "failed", why: "the task has no retry policy" };
  if (policy === undefined || attempt === undefined) {
    const why = "the retry policy is not known here (--poll FILE gives it)";
    return { fate: "retried_while_attempts_left", why };
  }
  if (attempt >= policy.maxAttempts) {
    return { fate: "failed", why: `attempt ${attempt} of ${policy.maxAttempts} was the last` };
  }
  const delay = backoffAfter(attempt, policy);
  return {
    fate: "retried",
    why: `attempt ${attempt} of ${policy.maxAttempts}, the next one ${delay === 0 ? "at once" : `after ${delay} s`}`,
  };
}

/** Seconds between a failed attempt and the next. */
export function backoffAfter(attempt: number, { backoffSeconds }: RetryPolicy): number {
  return backoffSeconds[Math.min(attempt - 1, backoffSeconds.length - 1)] ?? 0;
}
