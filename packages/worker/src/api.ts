import type { DispatcherState, DrainReport, EventStream, LaneHealth } from "@durable-workflow/dispatcher/leasing";

/** How a worker fares, for health checks. */
export interface WorkerHealth {
  /** `new`, `running`, `draining` or `stopped`. */
  readonly state: DispatcherState;
  /** False once it has stopped. */
  readonly live: boolean;
  /** Whether it leases tasks, or works on as many as it may. */
  readonly ready: boolean;
  /** Tasks leased and not yet ended. */
  readonly inFlight: number;
  /** Handlers that go on although their task is over: many of them, and the process had better be started anew. */
  readonly stuck: number;
  /** Its registrations, one for each task queue. */
  readonly lanes: readonly LaneHealth[];
  /** Version of the worker protocol; null until the engine has answered. */
  readonly protocolVersion: string | null;
  /** How far the engine's clock is ahead of this machine's, in milliseconds. */
  readonly clockSkewMs: number;
  /** The longest that anything had to wait for this process's thread, in milliseconds, measured every 0.1 s. */
  readonly eventLoopDelayMs: number;
  /** Why nothing is leased, as far as that is known; null for no reason. */
  readonly problem: string | null;
}

/** Leases activities from an engine, and runs them in this process. */
export interface ActivityWorker extends AsyncDisposable {
  /** Begins to lease tasks. It does not wait for the engine: until that answers, the worker is not ready. */
  start(): Promise<void>;
  /**
   * Leases nothing more, waits for tasks in flight as long as `drainMs` says, tells handlers before the end of that, gives up the
   * rest, and deregisters. Always settles. No attempt is failed because of it: what is left goes on when its lease has run out.
   */
  drain(): Promise<DrainReport>;
  /** Runs while `work` does, then drains. A worker that was not started is. Settles as `work` does. */
  runUntil<T>(work: Promise<T> | (() => Promise<T>)): Promise<T>;
  /** Runs so long from its registration with the engine on, then drains. A worker that was not started is. */
  runFor(ms: number): Promise<DrainReport>;
  health(): WorkerHealth;
  /** Ends at once: nothing is reported or taken back. Leases run out, and the engine hands their tasks out again. */
  kill(): void;
  readonly events: EventStream;
}
