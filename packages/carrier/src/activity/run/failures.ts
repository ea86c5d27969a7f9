import { isPayloadError } from "../../payload/errors.js";
import type { FailureClassification, FailureKind } from "../../protocol/constants.js";
import { recordableText } from "../../protocol/recordable-text.js";
import type { PayloadEnvelope } from "../../protocol/wire.js";
import { isActivityValidationError, isExternalTaskDeadlineExceeded } from "../errors.js";
import { readThrown, thrownMessage } from "../thrown.js";

/** A failure in the contract's terms, before it is put into an envelope. */
export interface TaskFailure {
  readonly classification: keyof typeof KIND_OF;
  readonly type: string | null;
  readonly message: string;
  readonly retryable: boolean;
  readonly stack?: string | null;
  /** Any payload value; undefined for none. */
  readonly details?: unknown;
  /** Nothing is wrong but the moment: this carrier has too much to do. */
  readonly crowded?: true;
  /** The details as they travel; undefined for none. */
  readonly encodedDetails?: PayloadEnvelope;
}

/** A payload for a success, else what went wrong. */
export type TaskOutcome = PayloadEnvelope | TaskFailure;

/** The classifications a handler's own results use, and the kind each belongs to. */
export const KIND_OF = {
  application_error: "application",
  cancelled: "cancellation",
  deadline_exceeded: "timeout",
  decode_failure: "decode_failure",
  unsupported_payload_codec: "unsupported_payload",
  unsupported_payload_reference: "unsupported_payload",
} as const satisfies Partial<Record<FailureClassification, FailureKind>>;

/** A failure that running again will not mend. */
export function permanent(
  classification: TaskFailure["classification"],
  type: string,
  message: string,
  details?: unknown,
): TaskFailure {
  return { classification, type, message, retryable: false, details };
}

/** The run was ended from outside. The reason decides: a cancellation, a deadline, or a failure to be retried. */
export function aborted(reason: unknown, stackTraces: boolean): TaskFailure {
  const failure = thrown(reason, stackTraces);
  const isDeadline = isExternalTaskDeadlineExceeded(reason);
  // The second is the reason of AbortSignal.timeout().
  if (!isDeadline && failure.type !== "TimeoutError") return failure;
  const details = isDeadline ? { deadline: reason.deadline, expires_at: reason.expiresAt } : failure.details;
  return { ...failure, classification: "deadline_exceeded", stack: null, details };
}

/** Something threw. */
export function thrown(error: unknown, stackTraces: boolean): TaskFailure {
  const { cancelled, ...failure } = readThrown(error, stackTraces);
  return { ...failure, classification: cancelled ? "cancelled" : "application_error" };
}

/** What a handler, or an interceptor, threw: a definition's schema may not have accepted arguments or return value. */
export function failureOf(error: unknown, stackTraces: boolean): TaskFailure {
  if (!isActivityValidationError(error)) return thrown(error, stackTraces);
  const { name, message, issues } = error;
  return permanent("decode_failure", name, message, { issues });
}

/** The arguments do not decode. */
export function undecodableArguments(error: unknown, codec?: unknown): TaskFailure {
  const message = `The arguments do not decode: ${thrownMessage(error)}`;
  if (isPayloadError(error) && error.code === "unsupported_payload_codec") {
    const details = { codec: typeof codec === "string" ? shorten(codec) : null };
    return permanent(error.code, "UnsupportedPayloadCodec", message, details);
  }
  return codecFailure("PayloadDecodeFailure", message, error);
}

export function codecFailure(type: string, message: string, error: unknown): TaskFailure {
  return permanent("decode_failure", type, message, isPayloadError(error) ? { code: error.code } : undefined);
}

/** Foreign text, fit for a message or details. */
export function shorten(text: string): string {
  return recordableText(text, 80);
}
