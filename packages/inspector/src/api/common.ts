/** An instant: RFC 3339, UTC with `Z`, up to six digits of a second. By the engine's clock, never by the browser's. */
export type Instant = string;

/** Seconds. May have a fraction. */
export type Seconds = number;

/** The one word for where an activity stands, in the order in which it is always shown. */
export const STATUS_WORDS = [
  "queued", // waits for a worker, never tried
  "delayed", // must not start yet, never tried
  "running", // a worker holds its lease
  "retrying", // was tried, waits for its next try (backing off, or for a worker)
  "stalled", // leased, and its lease or heartbeat deadline is over by the engine's clock
  "succeeded",
  "failed", // for good; timed out too
  "cancelled", // terminated too; `closedReason` tells which
] as const;

export type StatusWord = (typeof STATUS_WORDS)[number];

/** Words of activities to which nothing more happens. */
export const CLOSED_WORDS: readonly StatusWord[] = ["succeeded", "failed", "cancelled"];

/** How often each word occurs. All eight are there, also with 0. */
export type StatusCounts = Readonly<Record<StatusWord, number>>;

/** Every answer says when the engine was read: the page shows it, and computes with it in the place of its own clock. */
export interface AsOf {
  /** The engine's clock when this was read. */
  readonly asOf: Instant;
}

/** What every answer with a status of 400 and above holds. */
export interface ApiError {
  readonly error: {
    readonly code: ErrorCode;
    /** A sentence, to be shown as text. What the engine said is in it, cut. */
    readonly message: string;
    /** What to do about it. */
    readonly hint: string | null;
    /** The field or parameter that is wrong. */
    readonly field: string | null;
    /** The engine's own status and reason, where it was the engine that refused. */
    readonly engine: { readonly status: number; readonly reason: string | null } | null;
    /** Seconds after which to ask again, where that can help. */
    readonly retryAfterSeconds: Seconds | null;
  };
}

export const ERROR_CODES = [
  "bad_request", // 400: a parameter or the body is wrong; `field` names it
  "forbidden", // 403: foreign Host or Origin, or an action without its header
  "not_found", // 404: no such activity, run, attempt or payload
  "method_not_allowed", // 405
  "unsupported", // 409: this engine cannot do that; `Capabilities` says so beforehand
  "refused", // 409: the engine refused it as it stands; it was running already, has ended, ...
  "too_large", // 413
  "unauthorized", // 502: the engine did not take the token that the command holds
  "engine_error", // 502: the engine answered with an error, or with something that is no answer
  "engine_unreachable", // 503
  "too_many_readers", // 503: of the event stream
  "internal", // 500
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A failure, as an attempt or an activity has it. Its texts are what others wrote: show them as text. */
export interface Failure {
  /** The error's name, such as `ConnectError`. */
  readonly type: string | null;
  /** At most 8,000 characters; `isCut` says whether that is all. */
  readonly message: string;
  /** At most 64,000 characters, with those of the causes. */
  readonly stackTrace: string | null;
  /** Whether a text of it was cut. */
  readonly isCut: boolean;
  /** Whether another try may follow. */
  readonly retryable: boolean;
  /** Why it is retryable or not, as a sentence. */
  readonly why: string;
  /** Of a timeout: which deadline. */
  readonly timeout: "schedule_to_start" | "start_to_close" | "schedule_to_close" | "heartbeat" | null;
  readonly code: string | null;
  /** What the worker sent with it. */
  readonly details: Payload | null;
}

/** As in a list: one line, no details. */
export interface FailureLine {
  readonly type: string | null;
  /** At most 200 characters, one line. */
  readonly message: string;
}

/** What a heartbeat said of how far it is. */
export interface Progress {
  readonly current: number | null;
  readonly total: number | null;
  readonly unit: string | null;
  readonly message: string | null;
}

/** A payload as a view tells of it: small ones whole, large ones by what they are. */
export interface Payload {
  /**
   * `none`: there is none (no arguments, not finished, failed). `value`: `json` is the whole of it. `large`: fetch it by
   * parts. `reference`: kept apart by the engine, fetched on demand. `undecodable`: see `problem`.
   */
  readonly state: "none" | "value" | "large" | "reference" | "undecodable";
  readonly codec: string | null;
  /** Bytes of the encoded payload (its base64 text decoded); null when unknown. */
  readonly sizeBytes: number | null;
  /** Of what the reference names, lower-case hex. */
  readonly sha256: string | null;
  readonly referenceId: string | null;
  /**
   * JSON text of the whole value when it has at most 64 KiB, else null. It is exact: what JSON would lose is written as
   * `{"$type":"long"|"double","value":"..."}`, `{"$type":"bytes","base64":"..."}`, `{"$type":"map","entries":[...]}`. It can be
   * parsed with `JSON.parse` without loss, and sent back as the arguments of a start as it is.
   */
  readonly json: string | null;
  readonly problem: string | null;
}
