import { isHeartbeatKept } from "./heartbeats.js";
import {
  type Activity,
  type ActivityStatus,
  type ClosedReason,
  type DeadlineKind,
  type FailureVerdict,
  MICROS_PER_SECOND,
  type Micros,
  type RetryPolicy,
  type RunStatus,
  type TaskStatus,
} from "./model.js";
import { retryAfterFailure, retryAfterTimeout } from "./retry.js";

/**
 * The state machine: pure functions from one state of an activity to the next. Callers check first that the attempt they
 * speak for is the running one; a transition that does not fit the state throws, as that is a defect of the engine.
 */

/** What a lease that ran out counts as, once the redeliveries that cost nothing are used up. */
export const LEASE_EXPIRED: FailureVerdict = { type: "LeaseExpired", nonRetryable: false };

/** StartAccepted, WorkflowStarted, ActivityScheduled. */
const EVENTS_AT_START = 3;

/** So often a task comes back to its place in the queue: what ends everything that runs it must not stay first in line. */
const PLACES_KEPT = 3;

export function start(policy: RetryPolicy, taskId: string, now: Micros): Activity {
  return {
    policy,
    status: "running",
    activityStatus: "pending",
    closedReason: null,
    attemptCount: 0,
    expiries: 0,
    task: readyTask(taskId, now),
    attempt: null,
    startedAt: now,
    closedAt: null,
    lastProgressAt: now,
    lastHeartbeatAt: null,
    scheduleToStartAt: after(now, policy.scheduleToStartSeconds),
    scheduleToCloseAt: after(now, policy.scheduleToCloseSeconds),
    startToCloseAt: null,
    heartbeatAt: null,
    historyLength: EVENTS_AT_START,
  };
}

export interface Claim {
  readonly attemptId: string;
  readonly owner: string;
  readonly now: Micros;
  readonly lease: Micros;
}

/** A worker takes the task: a new attempt begins. */
export function claim(activity: Activity, { attemptId, owner, now, lease }: Claim): Activity {
  if (activity.task.status !== "ready" || activity.task.availableAt > now) throw misfit("claim", activity);
  const number = activity.attemptCount + 1;
  const event = activity.historyLength + 1;
  const givenUntil = now + lease;
  return {
    ...activity,
    activityStatus: "running",
    attemptCount: number,
    attempt: { id: attemptId, number, startedAt: now, event, givenUntil, beatsKept: 0, beatKeptAt: null },
    task: { ...activity.task, status: "leased", leasedAt: now, leaseOwner: owner, leaseExpiresAt: givenUntil },
    lastProgressAt: now,
    startToCloseAt: after(now, activity.policy.startToCloseSeconds),
    heartbeatAt: after(now, activity.policy.heartbeatSeconds),
    historyLength: event,
  };
}

/**
 * A sign of life: renews the lease, even one that has run out but was not taken away yet, and moves `heartbeat`. Whether
 * history gets an event of its own, or its newest one is written over, is told by the length of the history.
 */
export function heartbeat(activity: Activity, now: Micros, lease: Micros): Activity {
  const { attempt } = activity;
  if (attempt === null) throw misfit("heartbeat", activity);
  const isKept = isHeartbeatKept(attempt, now);
  return {
    ...activity,
    attempt: isKept ? { ...attempt, beatsKept: attempt.beatsKept + 1, beatKeptAt: now } : attempt,
    task: { ...activity.task, leaseExpiresAt: now + lease },
    lastProgressAt: now,
    lastHeartbeatAt: now,
    heartbeatAt: after(now, activity.policy.heartbeatSeconds),
    historyLength: activity.historyLength + (isKept ? 1 : 0),
  };
}

/** The lease begins anew, and nothing else changes: it is no sign of life, and moves no deadline. */
export function renewLease(activity: Activity, now: Micros, lease: Micros): Activity {
  requireRunning("renew the lease of", activity);
  return { ...activity, task: { ...activity.task, leaseExpiresAt: now + lease } };
}

export function complete(activity: Activity, now: Micros): Activity {
  requireRunning("complete", activity);
  return close(activity, now, "completed", "completed", "completed", "completed", 2);
}

/** After a failure or a timeout: another task, or the end. */
export type Setback =
  | { readonly kind: "retry"; readonly activity: Activity; readonly backoff: Micros }
  | { readonly kind: "closed"; readonly activity: Activity };

export function fail(activity: Activity, failure: FailureVerdict, nextTaskId: string, now: Micros): Setback {
  requireRunning("fail", activity);
  const backoff = retryAfterFailure(activity.policy, activity.attemptCount, failure);
  if (backoff !== undefined) return retry(activity, nextTaskId, now, backoff);
  return { kind: "closed", activity: close(activity, now, "failed", "failed", "failed", "completed", 2) };
}

/** A deadline has passed. One that passed before any worker came counts as an attempt. */
export function timeOut(activity: Activity, deadline: DeadlineKind, nextTaskId: string, now: Micros): Setback {
  if (activity.status !== "running") throw misfit("time out", activity);
  const attemptCount = activity.attempt === null ? activity.attemptCount + 1 : activity.attemptCount;
  const timedOut: Activity = { ...activity, attemptCount };
  const backoff = retryAfterTimeout(activity.policy, attemptCount, deadline);
  if (backoff !== undefined) return retry(timedOut, nextTaskId, now, backoff);
  return { kind: "closed", activity: close(timedOut, now, "failed", "failed", "timed_out", "cancelled", 2) };
}

/** After a lease that ran out: the same task again, or what a failed attempt leads to. */
export type Expiry = Setback | { readonly kind: "redelivered"; readonly activity: Activity };

/**
 * The worker has gone silent. The first times the same task goes back to the queue at once, whatever the policy says, to the
 * place that it had, and no event tells of it. After `freeRedeliveries` of them it is a failed attempt of the type `LeaseExpired`.
 */
export function expireLease(activity: Activity, freeRedeliveries: number, nextTaskId: string, now: Micros): Expiry {
  requireRunning("expire", activity);
  const expired: Activity = { ...activity, expiries: activity.expiries + 1 };
  if (activity.expiries < freeRedeliveries) return { kind: "redelivered", activity: redelivered(expired, now) };
  const backoff = retryAfterFailure(activity.policy, activity.attemptCount, LEASE_EXPIRED);
  if (backoff !== undefined) return retry(expired, nextTaskId, now, backoff);
  return { kind: "closed", activity: close(expired, now, "failed", "failed", "failed", "cancelled", 2) };
}

function redelivered(activity: Activity, now: Micros): Activity {
  const { id, availableAt, leasedAt } = activity.task;
  const isPlaceKept = activity.expiries <= PLACES_KEPT;
  return {
    ...activity,
    activityStatus: "pending",
    attempt: null,
    task: { ...readyTask(id, isPlaceKept ? Math.min(availableAt, now) : now), leasedAt },
    lastProgressAt: now,
    startToCloseAt: null,
    heartbeatAt: null,
  };
}

/** Ends the run at once, with no grace for a worker that holds the lease. */
export function stop(activity: Activity, how: "cancelled" | "terminated", now: Micros): Activity {
  if (activity.status !== "running") throw misfit("stop", activity);
  return close(activity, now, how, "cancelled", how, "cancelled", 3);
}

function retry(activity: Activity, taskId: string, now: Micros, backoff: Micros): Setback {
  const availableAt = now + backoff;
  return {
    kind: "retry",
    backoff,
    activity: {
      ...activity,
      activityStatus: "pending",
      attempt: null,
      task: readyTask(taskId, availableAt),
      lastProgressAt: now,
      scheduleToStartAt: after(availableAt, activity.policy.scheduleToStartSeconds),
      startToCloseAt: null,
      heartbeatAt: null,
      historyLength: activity.historyLength + 1,
    },
  };
}

function close(
  activity: Activity,
  now: Micros,
  status: RunStatus,
  activityStatus: ActivityStatus,
  closedReason: ClosedReason,
  taskStatus: TaskStatus,
  events: number,
): Activity {
  return {
    ...activity,
    status,
    activityStatus,
    closedReason,
    attempt: null,
    task: { ...activity.task, status: taskStatus, leaseExpiresAt: null },
    closedAt: now,
    lastProgressAt: now,
    startToCloseAt: null,
    heartbeatAt: null,
    historyLength: activity.historyLength + events,
  };
}

function readyTask(id: string, availableAt: Micros): Activity["task"] {
  return { id, status: "ready", availableAt, leasedAt: null, leaseOwner: null, leaseExpiresAt: null };
}

function after(instant: Micros, seconds: number | null): Micros | null {
  return seconds === null ? null : instant + seconds * MICROS_PER_SECOND;
}

function requireRunning(what: string, activity: Activity): void {
  if (activity.attempt === null) throw misfit(what, activity);
}

function misfit(what: string, { status, activityStatus, task }: Activity): Error {
  return new Error(`cannot ${what}: the run is ${status}, the activity ${activityStatus}, its task ${task.status}`);
}
