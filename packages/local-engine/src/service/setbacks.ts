import { dueAction } from "../engine/deadlines.js";
import type { DeadlineKind, Micros } from "../engine/model.js";
import { expireLease, LEASE_EXPIRED, type Setback, timeOut } from "../engine/transitions.js";
import type { FailureRecord, RunRecord } from "../store/records.js";
import { type EngineContext, newId, saveStep } from "./context.js";

/** What happens to activities that nobody reports on, and what is written of it. */

/** Where a run's task stands, as an event keeps it. */
export function snapshotOf({ state }: RunRecord): Record<string, unknown> {
  const { task, attempt } = state;
  return {
    taskId: task.id,
    availableAt: task.availableAt,
    leasedAt: task.leasedAt,
    leaseOwner: task.leaseOwner,
    leaseExpiresAt: task.leaseExpiresAt,
    attemptId: attempt?.id ?? null,
    attemptNumber: state.attemptCount,
    attemptStartedAt: attempt?.startedAt ?? null,
    lastHeartbeatAt: state.lastHeartbeatAt,
  };
}

/** Writes the retry or the end that a failed attempt leads to, and its history. */
export function recordFailure(
  context: EngineContext,
  run: RunRecord,
  setback: Setback,
  failure: FailureRecord,
  now: Micros,
): void {
  const { history, runs } = context.store;
  const { activity } = setback;
  const snapshot = { ...snapshotOf(run), attemptNumber: activity.attemptCount, failure };
  const last = activity.historyLength;
  if (setback.kind === "retry") {
    history.append(run.key, last, "ActivityRetryScheduled", now, {
      ...snapshot,
      retryTaskId: activity.task.id,
      retryAvailableAt: activity.task.availableAt,
      backoff: setback.backoff,
    });
    saveStep(context, run, activity, "activity.retry_scheduled", now);
    return;
  }
  const type = failure.category === "timeout" ? "ActivityTimedOut" : "ActivityFailed";
  history.append(run.key, last - 1, type, now, snapshot);
  history.append(run.key, last, "WorkflowFailed", now, { failure });
  runs.saveFailure(run.key, JSON.stringify(failure));
  saveStep(context, run, activity, "activity.closed", now);
}

export type Enforced =
  | { readonly kind: "lease_expired"; readonly run: RunRecord }
  | { readonly kind: "timed_out"; readonly run: RunRecord; readonly deadline: DeadlineKind; readonly retried: boolean };

/** Does what is due to at most `limit` activities. To be called within a transaction. */
export function enforceDue(context: EngineContext, limit: number): readonly Enforced[] {
  const now = context.now();
  const done: Enforced[] = [];
  for (const run of context.store.runs.dueBy(now, limit)) {
    const action = dueAction(run.state, now);
    if (action === undefined) continue;
    if (action.kind === "expire_lease") {
      endLease(context, run, "silence", now);
      done.push({ kind: "lease_expired", run });
      continue;
    }
    const setback = timeOut(run.state, action.deadline, newId(context), now);
    const failure = timeoutFailure(context, run, action.deadline, action.at);
    context.store.attempts.close(run, "timed_out", now, failure);
    recordFailure(context, run, setback, failure, now);
    done.push({ kind: "timed_out", run, deadline: action.deadline, retried: setback.kind === "retry" });
  }
  return done;
}

/** Why a lease is over that nobody reported under. */
type LeaseEnd =
  | "silence" // its time was up
  | "registration"; // its owner was registered anew: another process has taken the place of the one that held it

/** Takes back every lease that a worker holds. To be called within a transaction. */
export function takeBackLeases(context: EngineContext, namespace: string, owner: string): void {
  const now = context.now();
  const { leases, runs } = context.store;
  for (const key of leases.heldBy(namespace, owner)) {
    const run = runs.get(key);
    if (run?.state.attempt != null) endLease(context, run, "registration", now);
  }
}

function endLease(context: EngineContext, run: RunRecord, why: LeaseEnd, now: Micros): void {
  const expiry = expireLease(run.state, context.freeRedeliveries, newId(context), now);
  if (expiry.kind === "redelivered") {
    context.store.attempts.close(run, "expired", now, null);
    saveStep(context, run, expiry.activity, "activity.lease_expired", now);
    return;
  }
  const failure = expiryFailure(context, run, expiry.activity.expiries, why);
  context.store.attempts.close(run, "expired", now, failure);
  recordFailure(context, run, expiry, failure, now);
}

function expiryFailure(context: EngineContext, run: RunRecord, expiries: number, why: LeaseEnd): FailureRecord {
  const owner = run.state.task.leaseOwner ?? "";
  const times = expiries === 1 ? "once" : `${expiries} times`;
  const what = why === "silence" ? "went silent" : "was registered anew";
  return {
    failureId: newId(context),
    category: "activity",
    message:
      `Lease expired ${times}: worker ${owner} ${what} while it ran activity ${run.activityType}, attempt ` +
      `${run.state.attemptCount} (max_attempts ${run.state.policy.maxAttempts}; ${context.freeRedeliveries} redeliveries ` +
      "do not count against it). Look for what ends or blocks the worker's process.",
    type: LEASE_EXPIRED.type,
    exceptionClass: "RuntimeException",
    code: 0,
    nonRetryable: false,
    stackTrace: null,
    timeoutKind: null,
    deadlineAt: null,
  };
}

function timeoutFailure(context: EngineContext, run: RunRecord, deadline: DeadlineKind, at: Micros): FailureRecord {
  const instant = `${new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)}+00:00`;
  return {
    failureId: newId(context),
    category: "timeout",
    message: `Activity ${run.activityType} ${deadline.replaceAll("_", "-")} deadline expired at ${instant}.`,
    type: null,
    exceptionClass: String.raw`Workflow\V2\Exceptions\ActivityTimeoutException`,
    code: 0,
    nonRetryable: false,
    stackTrace: null,
    timeoutKind: deadline,
    deadlineAt: at,
  };
}
