import { inlinePayload } from "../../payload/envelope.js";
import { isPayloadError } from "../../payload/errors.js";
import type { FailureClassification, FailureKind } from "../../protocol/constants.js";
import type { JsonObject } from "../../protocol/fields.js";
import { formatTimestamp } from "../../protocol/format-timestamp.js";
import { recordableText } from "../../protocol/recordable-text.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../../protocol/wire.js";
import type { ActivityValidationError } from "../definition/validation.js";
import { ExternalTaskDeadlineExceeded, isExternalTaskDeadlineExceeded } from "../errors.js";
import type { ActivityOutcome } from "../outcome.js";
import { readThrown, thrownMessage } from "../thrown.js";
import type { Deadline } from "./deadlines.js";

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
  /** The details as they travel, where that has been settled already. */
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
function permanent(
  classification: TaskFailure["classification"],
  type: string,
  message: string,
  details?: unknown,
): TaskFailure {
  return { classification, type, message, retryable: false, details };
}

export function unsupportedTaskKind(kind: string): TaskFailure {
  return permanent(
    "application_error",
    "UnsupportedExternalTaskKind",
    `Invocable carriers only accept activity_task, got ${kind}.`,
  );
}

export function unknownActivity(type: string, known: Iterable<string>): TaskFailure {
  const some = [...known].slice(0, 20).map(shorten).join(", ");
  const message = `There is no invocable activity handler registered for ${JSON.stringify(shorten(type))}, only for: ${some || "none"}.`;
  return permanent("application_error", "UnknownActivityHandler", message);
}

export function unreadableDeadline(deadline: string): TaskFailure {
  const message = `${deadline} must be an RFC 3339 timestamp.`;
  return permanent("decode_failure", "UnreadableDeadline", message, { deadline });
}

/** @param clocksAgree whether the caller said what time it is, so that this machine's clock does not matter */
export function expiredOnReceipt({ name, expiresAt }: Deadline, now: number, clocksAgree: boolean): TaskFailure {
  const doubt = clocksAgree || name === "platform_limit" ? "" : ` (this clock has ${formatTimestamp(now)})`;
  const when = `before the handler could start${doubt}`;
  return aborted(new ExternalTaskDeadlineExceeded(name, expiresAt, when), false);
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

/** The handler or an interceptor threw. */
export function thrown(error: unknown, stackTraces: boolean): TaskFailure {
  const { cancelled, ...failure } = readThrown(error, stackTraces);
  return { ...failure, classification: cancelled ? "cancelled" : "application_error" };
}

/** A definition's schema did not accept arguments or return value. */
export function invalid({ name, message, issues }: ActivityValidationError): TaskFailure {
  return permanent("decode_failure", name, message, { issues });
}

/** What a task was answered with, as interceptors see it. */
export function outcomeOf(outcome: TaskOutcome): ActivityOutcome {
  if ("codec" in outcome) return { status: "succeeded" };
  const { classification, type, retryable } = outcome;
  return { status: "failed", kind: KIND_OF[classification], classification, type, retryable };
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

/** No call takes so many. */
export function tooManyArguments(count: number, most: number): TaskFailure {
  const message = `There are ${count} arguments, over ${most}: send a list as one.`;
  return permanent("decode_failure", "TooManyArguments", message, { count, most });
}

/** There is no room in memory for the arguments, beside those of the tasks that run. */
export function crowded(most: number): TaskFailure {
  const message = `The arguments are over maxArgumentValues (${most}).`;
  return { classification: "application_error", type: "CarrierOverloaded", message, retryable: true, crowded: true };
}

/** The return value does not encode. */
export function unencodableResult(error: unknown): TaskFailure {
  const message = `The return value does not encode: ${thrownMessage(error)}`;
  return codecFailure("ResultEncodeFailure", message, error);
}

function codecFailure(type: string, message: string, error: unknown): TaskFailure {
  return permanent("decode_failure", type, message, isPayloadError(error) ? { code: error.code } : undefined);
}

/** The arguments lie in external storage, or with the engine, and the carrier was given no way to read them. */
export function unsupportedReference(envelope: JsonObject): TaskFailure {
  const [reason, fix] =
    "external_payload" in envelope ? ["runtime_reference", "runtimePayloads"] : ["no_driver", "externalStorage"];
  const message = `To read the arguments, this carrier needs ${fix}.`;
  return permanent("unsupported_payload_reference", "UnsupportedPayloadReference", message, { reason });
}

/** What stands in the place of details that could not be sent. */
export function lostDetails(reason: string): InlinePayloadEnvelope {
  return inlinePayload({ details_lost: reason });
}

/** Foreign text, fit for a message or details. */
function shorten(text: string): string {
  return recordableText(text, 80);
}

/** Details that do not encode must not cost the failure they belong to: they are replaced by the reason. */
export function encodeDetails(details: unknown): InlinePayloadEnvelope {
  try {
    return inlinePayload(details);
  } catch (error) {
    return lostDetails(thrownMessage(error));
  }
}
