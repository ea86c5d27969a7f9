import type { AsOf, FailureLine, Instant, Seconds, StatusCounts, StatusWord } from "./common.js";

export interface Overview extends AsOf {
  readonly counts: Counts;
  /** Null where the engine has none. */
  readonly series: Series | null;
  readonly queues: readonly Queue[];
  /** Null where no dispatcher runs beside. */
  readonly carriers: readonly CarrierState[] | null;
  /** Worst first; empty: nothing needs attention. */
  readonly attention: readonly Attention[];
}

export interface Counts {
  readonly byStatus: StatusCounts;
  /** With most activities first; at most 100. */
  readonly byType: readonly { readonly type: string; readonly counts: StatusCounts }[];
  readonly byQueue: readonly { readonly queue: string; readonly counts: StatusCounts }[];
  /** False: of the newest ones only, the true numbers are greater. */
  readonly isExact: boolean;
  /** What was counted, as a sentence, where not exact. */
  readonly scope: string | null;
}

/** What happened lately, in equal steps, oldest first. All lists have the same length. */
export interface Series {
  /** Start of the first step. */
  readonly from: Instant;
  readonly stepSeconds: Seconds;
  /** Before this nothing was recorded (the engine was started then): shown as unknown, not as 0. */
  readonly knownSince: Instant;
  readonly started: readonly number[];
  readonly succeeded: readonly number[];
  /** For good. */
  readonly failed: readonly number[];
  /** Attempts that failed and are tried again. */
  readonly retried: readonly number[];
  /** From lease to end of attempts that ended in the step; null where none did. Upper bounds of the histogram's classes. */
  readonly runSecondsP50: readonly (Seconds | null)[];
  readonly runSecondsP95: readonly (Seconds | null)[];
  /** From being available to being leased. */
  readonly waitSecondsP50: readonly (Seconds | null)[];
  readonly waitSecondsP95: readonly (Seconds | null)[];
}

export interface QueueList extends AsOf {
  readonly queues: readonly Queue[];
}

export interface Queue {
  readonly queue: string;
  /** May be leased now. */
  readonly queued: number;
  /** Wait for their time. */
  readonly delayed: number;
  readonly running: number;
  /** Since when the oldest that may be leased has been; null where none. */
  readonly oldestSince: Instant | null;
  readonly drainingSince: Instant | null;
  readonly types: readonly QueueType[];
  readonly workers: readonly Worker[];
  /** Why it does not move, or that it does: one sentence. */
  readonly verdict: {
    readonly state: "idle" | "moving" | "waiting" | "no_worker" | "busy" | "draining";
    readonly text: string;
  };
}

export interface QueueType {
  readonly type: string;
  readonly queued: number;
  readonly running: number;
  /** Active workers that take it. */
  readonly workers: number;
}

export interface WorkerList extends AsOf {
  readonly workers: readonly Worker[];
}

export interface Worker {
  readonly id: string;
  readonly queue: string;
  readonly runtime: string;
  readonly sdkVersion: string | null;
  readonly buildId: string | null;
  readonly types: readonly string[];
  readonly slots: number;
  /** Leases it holds; null where the engine does not tell. */
  readonly running: number | null;
  /** `asking`: heard lately, has free slots. `full`: heard lately, none free. `silent`: not heard for too long. */
  readonly state: "asking" | "full" | "silent";
  readonly lastHeardAt: Instant;
  readonly registeredAt: Instant | null;
}

export interface CarrierState {
  readonly name: string;
  /** Without user, password and query. */
  readonly url: string;
  readonly breaker: "closed" | "open" | "half_open";
  /** How many of its last deliveries failed in a row. */
  readonly failuresInRow: number;
  readonly lastError: FailureLine | null;
  readonly lastErrorAt: Instant | null;
}

export interface Attention {
  readonly kind: "no_worker" | "same_failure" | "stalled" | "failing";
  /** One sentence. */
  readonly text: string;
  readonly since: Instant | null;
  readonly count: number;
  /** The list that shows what is meant. */
  readonly filter: {
    readonly queue: string | null;
    readonly type: string | null;
    readonly status: readonly StatusWord[];
  };
  readonly failure: FailureLine | null;
}

export interface TypeList extends AsOf {
  readonly types: readonly StartableType[];
}

export interface StartableType {
  readonly type: string;
  readonly queue: string;
  /** Active workers that take it there; 0 for one only seen in activities. */
  readonly workers: number;
  /** JSON schema of the list of arguments, where a carrier or a worker has told it, as JSON text. */
  readonly inputSchema: string | null;
}
