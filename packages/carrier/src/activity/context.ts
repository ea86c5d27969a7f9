import type { HeartbeatProgress } from "../protocol/heartbeat-progress.js";
import type { ContextKey } from "./context-values.js";
import type { Logger } from "./logger.js";
import type { ActivityOutcome } from "./outcome.js";

/** What a handler can know of the task it runs for. */
export interface ActivityInfo {
  /** Stays the same when a lost lease is redelivered; a retry by policy has a new one. */
  readonly taskId: string;
  /** From 1. Counts redeliveries after a lost lease too. */
  readonly attempt: number;
  /** New for every delivery by the engine. */
  readonly attemptId: string;
  readonly activityType: string;
  readonly taskQueue: string;
  readonly workflowId: string;
  readonly runId: string;
  /**
   * What to deduplicate side effects by. By the contract's first version it is the attempt's id: stable over repeated
   * deliveries of one attempt, but **new for every retry**. Newer engines send the execution's id, stable over all
   * attempts. Use {@link ActivityInfo.executionId} where it must hold over retries.
   */
  readonly idempotencyKey: string;
  /**
   * The activity execution's id, stable over all attempts; undefined when the caller did not send it (header
   * `activity_execution_id`).
   */
  readonly executionId: string | undefined;
  /** The engine's claim as it stands: `expiresAt` moves when a heartbeat is accepted. */
  readonly lease: ActivityLease;
  /** When the task's deadlines pass; `heartbeat` moves when a heartbeat is accepted. */
  readonly deadlines: ActivityDeadlines;
}

/** The right to run this attempt until a time. */
export interface ActivityLease {
  readonly owner: string;
  readonly expiresAt: Date;
  /** Who renews the lease while the handler runs; undefined when nobody said so. */
  readonly renewedBy: string | undefined;
}

/** By this machine's clock, where the caller said when it sent the task. Undefined where none was set. */
export interface ActivityDeadlines {
  readonly scheduleToStart: Date | undefined;
  readonly startToClose: Date | undefined;
  readonly scheduleToClose: Date | undefined;
  readonly heartbeat: Date | undefined;
}

/** One run of an activity, as its handler and interceptors see it. Its functions need no `this`. */
export interface ActivityContext {
  /** Read it afresh after a heartbeat: an accepted one moves the lease and the heartbeat deadline. */
  readonly info: ActivityInfo;
  /**
   * Aborted when the run is ended early. The task is then answered at once, and what the handler still returns is
   * dropped (with `idempotency` it is kept for the next delivery): stop by throwing, as `signal.throwIfAborted()` does.
   * `signal.reason` says why: `ExternalTaskDeadlineExceeded` (a deadline of the task, the lease,
   * or the platform's own limit), `ActivityCancelled`, `CallerDisconnected`, `AttemptClosed` (the engine gave the attempt
   * up) or `CarrierShutdown`.
   */
  readonly signal: AbortSignal;
  /** Milliseconds until the first deadline that counts while the handler runs; never negative, Infinity for none. */
  readonly remainingMs: () => number;
  /** The task's headers as the engine sent them: `traceparent` and the like. Not those of the HTTP request. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** The carrier's logger, with the task's own fields in every line. */
  readonly logger: Logger;
  /**
   * Tells the engine that the handler is alive, and how far it got. Returns at once and never throws: heartbeats are
   * throttled (the last value wins), sent in the background and retried. Does nothing when the carrier has no
   * `heartbeat` option.
   */
  readonly heartbeat: (progress?: HeartbeatProgress) => void;
  /** A value that an interceptor has put there, else the key's default. */
  readonly get: <T>(key: ContextKey<T>) => T;
  /** Sets a value for the rest of this run, for handler and interceptors alike. */
  readonly set: <T>(key: ContextKey<T>, value: T) => void;
  /**
   * Resolves with what the carrier answers, once it does. Never rejects. For interceptors that measure or log; a handler
   * that awaits it waits for itself.
   */
  readonly outcome: Promise<ActivityOutcome>;
}
