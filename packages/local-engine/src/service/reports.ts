import { type DueAction, dueAction } from "../engine/deadlines.js";
import type { Micros } from "../engine/model.js";
import { complete, fail, heartbeat, renewLease } from "../engine/transitions.js";
import { type Payload, type PayloadFault, type PayloadReference, referenceOf } from "../store/payloads.js";
import type { AttemptRecord, FailureRecord, RunRecord } from "../store/records.js";
import { announce, type EngineContext, newId, saveQuietly, saveStep } from "./context.js";
import { leaseFor } from "./leases.js";
import { recordFailure, snapshotOf } from "./setbacks.js";

/** Who reports on what. */
export interface Claimant {
  readonly namespace: string;
  readonly taskId: string;
  readonly attemptId: string;
  readonly leaseOwner: string;
}

/** Why a report is not about something the reporter owns. */
export type OwnershipError =
  | { readonly kind: "task_not_found" | "attempt_not_found" | "task_mismatch" }
  | { readonly kind: "lease_owner_mismatch"; readonly leaseOwner: string };

/** A report on an attempt that is no longer the running one. */
export interface Closed {
  readonly kind: "closed";
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
}

/** A report on the attempt that is running. */
export interface Owned {
  readonly kind: "owned";
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
}

/** The report names a payload that cannot be had: nothing of it is recorded. */
export interface PayloadRefused {
  readonly kind: "payload_refused";
  readonly fault: PayloadFault;
}

export type ReportOutcome =
  | OwnershipError
  | Closed
  | PayloadRefused
  | { readonly kind: "recorded"; readonly nextTaskId: string | null };

/** Records a result. To be called within a transaction. */
export function completeTask(context: EngineContext, claimant: Claimant, result: Payload): ReportOutcome {
  const found = findOwned(context, claimant);
  if (found.kind !== "owned") return found;
  const { run } = found;
  const reference = referenceOf(result);
  const fault = reference === null ? undefined : context.store.payloads.claim(run.namespace, reference, run.key);
  if (fault !== undefined) return { kind: "payload_refused", fault };
  const now = context.now();
  const { attempts, runs } = context.store;
  attempts.complete(run, now);
  announce(context, runs.complete(run, complete(run.state, now), result), "activity.closed", now);
  return { kind: "recorded", nextTaskId: null };
}

export type ReportedFailure = Pick<
  FailureRecord,
  "message" | "type" | "exceptionClass" | "code" | "nonRetryable" | "stackTrace" | "details" | "told"
>;

/**
 * Records a failure: the activity is retried, or over. To be called within a transaction.
 *
 * @param reference what the failure's details refer to; null for none
 */
export function failTask(
  context: EngineContext,
  claimant: Claimant,
  reported: ReportedFailure,
  reference: PayloadReference | null,
): ReportOutcome {
  const found = findOwned(context, claimant);
  if (found.kind !== "owned") return found;
  const { run } = found;
  const fault = reference === null ? undefined : context.store.payloads.claim(run.namespace, reference, run.key);
  if (fault !== undefined) return { kind: "payload_refused", fault };
  const now = context.now();
  const failure: FailureRecord = {
    failureId: newId(context),
    category: "activity",
    ...reported,
    timeoutKind: null,
    deadlineAt: null,
  };
  const setback = fail(run.state, reported, newId(context), now);
  context.store.attempts.close(run, "failed", now, failure);
  recordFailure(context, run, setback, failure, now);
  return { kind: "recorded", nextTaskId: setback.kind === "retry" ? setback.activity.task.id : null };
}

export interface Progress {
  readonly message?: string;
  readonly current?: number;
  readonly total?: number;
  readonly unit?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export type HeartbeatOutcome =
  | OwnershipError
  | Closed
  | { readonly kind: "recorded"; readonly leaseExpiresAt: Micros; readonly at: Micros };

/** Renews a lease. To be called within a transaction. */
export function heartbeatTask(context: EngineContext, claimant: Claimant, progress: Progress): HeartbeatOutcome {
  const found = findOwned(context, claimant);
  if (found.kind !== "owned") return found;
  const { run, attempt } = found;
  const now = context.now();
  const lease = leaseAnew(context, run, attempt, context.lease);
  const after = saveStep(context, run, heartbeat(run.state, now, lease), "activity.heartbeat", now);
  context.store.attempts.touch(run, now, { ...progress });
  const { historyLength } = after.state;
  const data = { ...snapshotOf(after), progress };
  const { history } = context.store;
  if (historyLength > run.state.historyLength) {
    history.append(run.key, historyLength, "ActivityHeartbeatRecorded", now, data);
  } else history.replaceHeartbeat(run.key, now, data);
  return { kind: "recorded", leaseExpiresAt: now + lease, at: now };
}

/** An attempt that runs, for which something is due that was not done yet: it must not go on. */
export interface Overdue {
  readonly kind: "overdue";
  readonly run: RunRecord;
  readonly attempt: AttemptRecord;
  readonly due: DueAction;
}

export type RenewalOutcome =
  | OwnershipError
  | Closed
  | Overdue
  | { readonly kind: "renewed"; readonly run: RunRecord; readonly attempt: AttemptRecord; readonly at: Micros };

/** Lets a lease begin anew that has not run out. To be called within a transaction. */
export function renewTaskLease(context: EngineContext, claimant: Claimant): RenewalOutcome {
  const found = findOwned(context, claimant);
  if (found.kind !== "owned") return found;
  const { run, attempt } = found;
  const now = context.now();
  const due = dueAction(run.state, now);
  if (due !== undefined) return { kind: "overdue", run, attempt, due };
  // Whoever renews does so again, even one that has ended its registration and does its last tasks.
  const lease = leaseAnew(context, run, attempt, Math.min(context.lease, context.shortLease));
  const after = saveQuietly(context, run, renewLease(run.state, now, lease));
  return { kind: "renewed", run: after, attempt, at: now };
}

/** @param unknown for a worker that is registered no more */
function leaseAnew(
  context: EngineContext,
  { namespace }: RunRecord,
  { leaseOwner }: AttemptRecord,
  unknown: Micros,
): Micros {
  const worker = context.store.workers.get(namespace, leaseOwner);
  return worker === undefined ? unknown : leaseFor(context, worker);
}

export type StatusOutcome = OwnershipError | Closed | Overdue | Owned;

/** How an attempt stands. Changes nothing. */
export function attemptStatus(context: EngineContext, claimant: Claimant): StatusOutcome {
  const found = findOwned(context, claimant);
  const due = found.kind === "owned" ? dueAction(found.run.state, context.now()) : undefined;
  return due !== undefined && found.kind === "owned" ? { ...found, kind: "overdue", due } : found;
}

/** The checks in their order: task, attempt, do they belong together, is the reporter its owner, is it still running. */
function findOwned({ store }: EngineContext, claimant: Claimant): OwnershipError | Closed | Owned {
  const attempt = store.attempts.get(claimant.attemptId);
  const own = attempt === undefined ? undefined : store.runs.get(attempt.run);
  if (attempt === undefined || own === undefined || attempt.taskId !== claimant.taskId) {
    const named = store.runs.ofTask(claimant.taskId);
    if (named === undefined || named.namespace !== claimant.namespace) return { kind: "task_not_found" };
    const exists = attempt !== undefined && own?.namespace === claimant.namespace;
    return { kind: exists ? "task_mismatch" : "attempt_not_found" };
  }
  if (own.namespace !== claimant.namespace) return { kind: "task_not_found" };
  if (attempt.leaseOwner !== claimant.leaseOwner) {
    return { kind: "lease_owner_mismatch", leaseOwner: attempt.leaseOwner };
  }
  const isRunning = own.state.attempt?.id === attempt.attemptId;
  return { kind: isRunning ? "owned" : "closed", run: own, attempt };
}
