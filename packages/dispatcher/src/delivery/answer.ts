import type { InvocableResultEnvelope } from "@durable-workflow/carrier/protocol";
import type { LeanText } from "../net/blob-bytes.js";

/** What came of delivering a task, before it is given a meaning. */

/** What a carrier said, large blobs apart; or why it could not be read. */
export type AnswerBody = LeanText | { readonly problem: string };

/** The carrier answered over HTTP. */
export interface HttpAnswer {
  readonly kind: "http";
  readonly status: number;
  /** The body as text; where it could not be read, why. */
  readonly body: AnswerBody;
  /** True when the transport policy counts the status as "try again". */
  readonly temporary: boolean;
  /** What a 429 or 503 asks for with `Retry-After`, in milliseconds; undefined when it does not. */
  readonly retryAfterMs?: number | undefined;
}

/** A process ran and ended by itself. */
export interface ProcessAnswer {
  readonly kind: "process";
  readonly exitCode: number | null;
  /** The signal that ended it, where one did. */
  readonly signal: string | null;
  readonly stdout: AnswerBody;
  /** The first of what it wrote to standard error. */
  readonly stderrPreview: string;
}

/** No answer in time. */
export interface TimeoutAnswer {
  readonly kind: "timeout";
  /** What ran out: `timeout_seconds`, `start_to_close`, ... */
  readonly limit: string;
  readonly afterMs: number;
}

/** The carrier could not be reached, or the connection broke, at every try. */
export interface UnreachableAnswer {
  readonly kind: "unreachable";
  /** Short, as `ECONNREFUSED`, or in words. */
  readonly why: string;
  /** How often it was sent, or tried to be. */
  readonly tries: number;
}

/** Nothing was sent: the task may not go there, or its credential is missing. */
export interface RefusedAnswer {
  readonly kind: "refused";
  readonly code:
    | "no_mapping"
    | "mapping_refused"
    | "credential_unavailable"
    | "address_refused"
    | "worker_session_unsupported";
  readonly message: string;
}

/** A handler in this process has answered. */
export interface HandledAnswer {
  readonly kind: "handled";
  readonly result: InvocableResultEnvelope;
}

export type DeliveryAnswer =
  | HandledAnswer
  | HttpAnswer
  | ProcessAnswer
  | TimeoutAnswer
  | UnreachableAnswer
  | RefusedAnswer;

/** Delivery was called off: the task is not ours any more, or must stop. */
export interface AbortedDelivery {
  readonly kind: "aborted";
  /** Whether nothing is to be reported although the lease goes on: the engine hands the task out again. Default false. */
  readonly isLeft?: boolean;
}
