import { brand, brandOf } from "../../protocol/brand.js";
import type { HeartbeatAnswer } from "../../protocol/heartbeat.js";
import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";

/** One heartbeat, to be sent now. */
export interface Heartbeat {
  readonly taskId: string;
  /** New for every delivery; the engine compares it byte by byte. */
  readonly attemptId: string;
  readonly leaseOwner: string;
  /** The task's `lease.heartbeat_endpoint`, as it came: not checked. */
  readonly endpoint: string;
  /** Within the engine's limits when it comes from a run; undefined for a mere sign of life. */
  readonly progress: HeartbeatProgress | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Brings heartbeats to an engine. */
export interface HeartbeatSender {
  /**
   * Sends one heartbeat, once: retries are the caller's.
   *
   * @throws (as a rejection) when there was no answer. The heartbeat is then tried again, unless the error has
   *   `retryable: false`, and not before its `retryAfterMs` have passed: see {@link HeartbeatError}
   */
  send(heartbeat: Heartbeat): Promise<HeartbeatAnswer>;
}

/** What a `HeartbeatError` says beside its message. */
export interface HeartbeatErrorOptions {
  readonly status?: number | undefined;
  /** Default true. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** A heartbeat was not answered, or not by what an engine answers. Its message is logged: it must hold no secrets. */
export class HeartbeatError extends Error {
  override readonly name = "HeartbeatError";
  /** The HTTP status; undefined when there was no answer at all. */
  readonly status: number | undefined;
  /** False when sending it again will not mend it: the run's heartbeats are then given up. */
  readonly retryable: boolean;
  /** How long the engine asked to be left alone; undefined when it did not. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: HeartbeatErrorOptions = {}) {
    super(message);
    brand(this, "HeartbeatError");
    this.status = options.status;
    this.retryable = options.retryable ?? true;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** True for a {@link HeartbeatError} of any copy of this library. */
export function isHeartbeatError(error: unknown): error is HeartbeatError {
  return brandOf(error) === "HeartbeatError";
}
