/**
 * What the engine knows of one activity, and nothing of how it is kept or spoken of. All instants and durations are whole
 * microseconds; instants count from the epoch.
 */
export type Micros = number;

export const MICROS_PER_SECOND = 1_000_000;

export type RunStatus = "running" | "completed" | "failed" | "cancelled" | "terminated";

export type ActivityStatus =
  | "pending" // waits for a worker, for the first time or again
  | "running" // a worker holds its lease
  | "completed"
  | "failed" // for good: failed or timed out with no attempt left
  | "cancelled"; // cancelled or terminated

export type ClosedReason = "completed" | "failed" | "timed_out" | "cancelled" | "terminated";

export type TaskStatus = "ready" | "leased" | "completed" | "cancelled";

export type AttemptStatus =
  | "running"
  | "completed"
  | "failed"
  | "timed_out"
  | "expired" // its lease ran out, and the task went back to the queue
  | "cancelled";

export type DeadlineKind = "schedule_to_start" | "start_to_close" | "schedule_to_close" | "heartbeat";

export interface RetryPolicy {
  readonly maxAttempts: number;
  /** Before attempt n + 1: the n-th entry, or the last one. Empty: at once. */
  readonly backoffSeconds: readonly number[];
  readonly nonRetryableErrorTypes: readonly string[];
  readonly startToCloseSeconds: number | null;
  readonly scheduleToStartSeconds: number | null;
  readonly scheduleToCloseSeconds: number | null;
  readonly heartbeatSeconds: number | null;
}

/** The task that carries the activity to a worker. A retry by policy has a new one, a redelivery keeps it. */
export interface Task {
  readonly id: string;
  readonly status: TaskStatus;
  /** From when on it may be handed out, and its place among others; a redelivery has that of the lease before it: see {@link waitsFrom}. */
  readonly availableAt: Micros;
  /** When it was last leased; kept when the lease runs out. */
  readonly leasedAt: Micros | null;
  readonly leaseOwner: string | null;
  readonly leaseExpiresAt: Micros | null;
}

/** The attempt that is running now. */
export interface RunningAttempt {
  readonly id: string;
  readonly number: number;
  readonly startedAt: Micros;
  /** Its place in the run's history. */
  readonly event: number;
  /** When its lease was to run out as it was given out. */
  readonly givenUntil: Micros;
  /** Heartbeats that history holds an event of. */
  readonly beatsKept: number;
  /** When the newest of those events was begun, null before there is one. */
  readonly beatKeptAt: Micros | null;
}

export interface Activity {
  readonly policy: RetryPolicy;
  readonly status: RunStatus;
  readonly activityStatus: ActivityStatus;
  readonly closedReason: ClosedReason | null;
  /** Times that its task was leased out; a wait that timed out counts too. */
  readonly attemptCount: number;
  /** How often a lease ran out. */
  readonly expiries: number;
  readonly task: Task;
  /** Set exactly while `activityStatus` is running. */
  readonly attempt: RunningAttempt | null;
  readonly startedAt: Micros;
  readonly closedAt: Micros | null;
  readonly lastProgressAt: Micros;
  readonly lastHeartbeatAt: Micros | null;
  readonly scheduleToStartAt: Micros | null;
  readonly scheduleToCloseAt: Micros | null;
  /** Of the running attempt. */
  readonly startToCloseAt: Micros | null;
  /** Of the running attempt; every heartbeat moves it. */
  readonly heartbeatAt: Micros | null;
  /** Events in its history so far. */
  readonly historyLength: number;
}

/** From when on the task that is ready may be handed out: that of a lease that ran out, since then, and not since its place in the queue. */
export function waitsFrom({ task, lastProgressAt }: Pick<Activity, "task" | "lastProgressAt">): Micros {
  return task.status === "ready" ? Math.max(task.availableAt, lastProgressAt) : task.availableAt;
}

/** What a worker says of a failed attempt, as far as it decides anything. */
export interface FailureVerdict {
  readonly type: string | null;
  readonly nonRetryable: boolean;
}
