import type { AsOf, FailureLine, Instant, Progress, StatusWord } from "./common.js";

/** Parameters of the list, as query parameters; lists are separated by commas. All filters must hold. */
export interface ListQuery {
  readonly status?: string;
  readonly type?: string;
  readonly queue?: string;
  /** A part of the id; the engine compares exactly, upper and lower case apart. */
  readonly id?: string;
  /** Started at or after; RFC 3339. */
  readonly since?: string;
  /** Started before. */
  readonly until?: string;
  /** Where the page before ended; opaque. Belongs to the same filters. */
  readonly cursor?: string;
  /** 1 to 200, default 100. */
  readonly limit?: string;
}

/** Newest first. An activity that is started while pages are read is before the first page: no id is seen twice or missed. */
export interface ActivityList extends AsOf {
  readonly rows: readonly ActivityRow[];
  /** Null: there are no more. A page may be short, or empty, and still have one: the engine looked at so many and found no match yet. */
  readonly cursor: string | null;
  /** How many activities were looked at for this page. */
  readonly scanned: number;
}

/** A line of the list. No payload; below 1 kB. */
export interface ActivityRow {
  readonly id: string;
  readonly runId: string;
  /** Grows with every start under this engine; sorts as the list does. Null on a server. */
  readonly key: number | null;
  /** Rows with a greater version are newer; apply those alone. */
  readonly version: number;
  readonly type: string;
  readonly queue: string;
  readonly businessKey: string | null;
  readonly status: StatusWord;
  /** `completed`, `failed`, `timed_out`, `cancelled` or `terminated`; null while open. */
  readonly closedReason: string | null;
  /** Null on servers that do not tell. */
  readonly attempt: number | null;
  readonly maxAttempts: number | null;
  readonly startedAt: Instant;
  readonly closedAt: Instant | null;
  /** Next instant at which something happens by itself: the next try, the end of the lease or of a deadline. */
  readonly next: { readonly at: Instant; readonly what: "retry" | "lease_ends" | "heartbeat_due" | "deadline" } | null;
  readonly worker: string | null;
  readonly lastHeartbeatAt: Instant | null;
  readonly progress: Progress | null;
  readonly failure: FailureLine | null;
}
