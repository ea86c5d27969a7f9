import type { AsOf, Failure, Instant, Payload, Progress, Seconds, StatusWord } from "./common.js";
import type { ActivityRow } from "./list.js";

export interface ActivityQuery {
  readonly id: string;
  /** Default: the newest run of the id. */
  readonly runId?: string;
}

export interface ActivityDetail extends AsOf {
  readonly row: ActivityRow;
  readonly namespace: string;
  readonly options: ActivityOptions;
  readonly input: Payload;
  readonly result: Payload;
  /** Why it failed for good; null else. */
  readonly failure: Failure | null;
  /** Oldest first. The newest 100; `attemptsLeftOut` says how many are older. */
  readonly attempts: readonly Attempt[];
  readonly attemptsLeftOut: number;
  readonly deadlines: readonly Deadline[];
  readonly waiting: WhyWaiting;
  /** Newest first, at most 50, this one among them. Only where `features.runs`. */
  readonly runs: readonly RunLine[];
  /** What was left out or could not be had, each a sentence. */
  readonly gaps: readonly string[];
}

export interface ActivityOptions {
  readonly maxAttempts: number | null;
  readonly backoffSeconds: readonly Seconds[];
  readonly nonRetryableErrorTypes: readonly string[];
  readonly startToCloseSeconds: Seconds | null;
  readonly scheduleToStartSeconds: Seconds | null;
  readonly scheduleToCloseSeconds: Seconds | null;
  readonly heartbeatSeconds: Seconds | null;
}

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  readonly id: string | null;
  readonly taskId: string | null;
  /** `expired`: its lease ran out. `waited_out`: no worker came in time. */
  readonly status: "running" | "succeeded" | "failed" | "timed_out" | "expired" | "cancelled" | "waited_out";
  /** From when on a worker could have taken it; null when unknown. */
  readonly availableAt: Instant | null;
  /** When it was leased. */
  readonly startedAt: Instant | null;
  readonly closedAt: Instant | null;
  readonly worker: string | null;
  readonly leaseExpiresAt: Instant | null;
  /** Oldest first, at most 200: where there were more, those that say something new. */
  readonly heartbeats: readonly Heartbeat[];
  readonly lastHeartbeatAt: Instant | null;
  readonly progress: Progress | null;
  readonly failure: Failure | null;
  /** The wait after it: from `closedAt` to the next attempt's `availableAt`. Null after the last one. */
  readonly backoffSeconds: Seconds | null;
}

export interface Heartbeat {
  readonly at: Instant;
  readonly progress: Progress | null;
}

export interface Deadline {
  readonly kind: "schedule_to_start" | "start_to_close" | "schedule_to_close" | "heartbeat" | "lease";
  readonly at: Instant;
}

/** Why it does not go on, as data and as one sentence. */
export interface WhyWaiting {
  readonly reason:
    | "closed"
    | "running"
    | "stalled"
    | "backoff"
    | "delayed"
    | "no_worker" // nobody takes this type from this queue
    | "workers_silent"
    | "workers_busy"
    | "next_in_queue"
    | "queue_draining" // informs only: what is queued is still handed out
    | "unknown"; // the engine does not tell enough
  readonly text: string;
  readonly since: Instant | null;
  /** When something happens next by itself. */
  readonly nextAt: Instant | null;
  readonly remedy: string | null;
  /** A command line that would help, as text. */
  readonly command: string | null;
}

export interface RunLine {
  readonly runId: string;
  readonly status: StatusWord;
  readonly startedAt: Instant;
  readonly closedAt: Instant | null;
}

export interface HistoryQuery extends ActivityQuery {
  readonly cursor?: string;
  /** 1 to 200, default 100. */
  readonly limit?: string;
}

export interface HistoryPage extends AsOf {
  readonly events: readonly HistoryLine[];
  readonly cursor: string | null;
}

export interface HistoryLine {
  readonly sequence: number;
  readonly type: string;
  readonly at: Instant;
  /** The document, indented, at most 16 KiB; payload blobs in it are cut and marked. */
  readonly json: string;
  readonly isCut: boolean;
}

/** The engine's own documents of an activity, and what `dw-carrier inspect` says of each. */
export interface WireDocuments extends AsOf {
  readonly documents: readonly WireDocument[];
}

export interface WireDocument {
  /** Such as `GET /api/activities/greet-1`. */
  readonly name: string;
  /** Indented, at most 64 KiB; payload blobs cut and marked. */
  readonly json: string;
  readonly isCut: boolean;
  /** As lines of text; null where nothing is known of such a document, or no explainer is at hand. */
  readonly explained: string | null;
}

export type PayloadSlot = "input" | "result" | "details" | "attempt_details";

export interface PayloadQuery extends ActivityQuery {
  readonly slot: PayloadSlot;
  /** Of `attempt_details`. */
  readonly attempt?: string;
  /** Characters of the JSON text; default 0. */
  readonly offset?: string;
  /** 1 to 65,536 characters, the default. */
  readonly length?: string;
}

/** A part of a payload's exact JSON text (see `Payload.json`), decoded and, for a reference, verified before. */
export interface PayloadText extends AsOf {
  readonly text: string;
  readonly offset: number;
  readonly totalCharacters: number;
  readonly nextOffset: number | null;
  /** Of the encoded payload. */
  readonly sizeBytes: number;
  /** Of the encoded payload, lower-case hex. */
  readonly sha256: string;
  /** True where a reference's size and hash were compared with what came. */
  readonly isVerified: boolean;
}
