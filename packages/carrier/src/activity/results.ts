import { payloadEnvelope } from "../payload/envelope.js";
import { isPayloadError } from "../payload/errors.js";
import { toWellFormed } from "../payload/text.js";
import {
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  type FailureClassification,
  type FailureKind,
  RESULT_CONTENT_TYPE,
  type TimeoutType,
} from "../protocol/constants.js";
import type { ExternalTaskInput } from "../protocol/task-input.js";
import type {
  FailureResultEnvelope,
  PayloadEnvelope,
  ResultMetadataWire,
  ResultTaskWire,
  SuccessResultEnvelope,
} from "../protocol/wire.js";
import { type Deadline, type UnreadableDeadline } from "./deadlines.js";
import { ExternalTaskDeadlineExceeded, isActivityCancelled, isExternalTaskDeadlineExceeded } from "./errors.js";
import { readThrown } from "./thrown.js";

/** What became of a task, before it is put into an envelope. */
export type TaskOutcome = PayloadEnvelope | TaskFailure;

/** A failure in the contract's terms. */
export class TaskFailure {
  readonly kind: FailureKind;
  readonly classification: FailureClassification;
  readonly message: string;
  readonly type: string | null;
  readonly retryable: boolean;
  readonly stack: string | null;
  /** Any payload value; undefined for none. */
  readonly details: unknown;

  constructor(
    kind: FailureKind,
    classification: FailureClassification,
    fields: { message: string; type: string | null; retryable: boolean; stack?: string | null; details?: unknown },
  ) {
    this.kind = kind;
    this.classification = classification;
    this.message = fields.message;
    this.type = fields.type;
    this.retryable = fields.retryable;
    this.stack = fields.stack ?? null;
    this.details = fields.details;
  }
}

export function unsupportedTaskKind(kind: string): TaskFailure {
  return new TaskFailure("application", "application_error", {
    message: `Invocable carriers only accept activity_task, got ${kind}; workflow tasks belong to a workflow runtime.`,
    type: "UnsupportedExternalTaskKind",
    retryable: false,
  });
}

export function unknownActivity(type: string, known: Iterable<string>): TaskFailure {
  const names = [...known];
  const some = names.slice(0, 20).join(", ");
  const more = names.length > 20 ? `, and ${names.length - 20} more` : "";
  return new TaskFailure("application", "application_error", {
    message: `There is no invocable activity handler registered for ${JSON.stringify(toWellFormed(type.slice(0, 200)))}. Registered: ${some === "" ? "none" : some + more}.`,
    type: "UnknownActivityHandler",
    retryable: false,
  });
}

export function unreadableDeadline(deadline: UnreadableDeadline): TaskFailure {
  return new TaskFailure("decode_failure", "decode_failure", {
    message: `${deadline.name} must be an RFC 3339 timestamp.`,
    type: "UnreadableDeadline",
    retryable: false,
    details: { deadline: deadline.name, value: toWellFormed(deadline.value.slice(0, 80)) },
  });
}

export function expiredOnReceipt(deadline: Deadline): TaskFailure {
  return aborted(
    new ExternalTaskDeadlineExceeded(deadline.name, deadline.expiresAt, "before the handler could start"),
    false,
  );
}

/** The run was ended from outside. The reason decides: a cancellation, a deadline, or a failure to be retried. */
export function aborted(reason: unknown, stackTraces: boolean): TaskFailure {
  if (isActivityCancelled(reason)) return thrown(reason, stackTraces);
  const { message, type, stack } = readThrown(reason, stackTraces);
  if (isExternalTaskDeadlineExceeded(reason)) {
    const details = { deadline: reason.deadline, expires_at: reason.expiresAt };
    return new TaskFailure("timeout", "deadline_exceeded", { message, type, retryable: true, details });
  }
  // The reason of AbortSignal.timeout().
  if (type === "TimeoutError")
    return new TaskFailure("timeout", "deadline_exceeded", { message, type, retryable: true });
  return new TaskFailure("application", "application_error", { message, type, retryable: true, stack });
}

/** The handler threw. */
export function thrown(error: unknown, stackTraces: boolean): TaskFailure {
  const { message, type, stack, retryable, cancelled, details } = readThrown(error, stackTraces);
  if (cancelled) return new TaskFailure("cancellation", "cancelled", { message, type, retryable: false, stack });
  return new TaskFailure("application", "application_error", { message, type, retryable, stack, details });
}

/** The arguments do not decode. */
export function undecodableArguments(error: unknown, codec: unknown): TaskFailure {
  if (isPayloadError(error) && error.code === "unsupported_payload_codec") {
    return new TaskFailure("unsupported_payload", "unsupported_payload_codec", {
      message: error.message,
      type: "UnsupportedPayloadCodec",
      retryable: false,
      details: { codec: typeof codec === "string" ? toWellFormed(codec.slice(0, 80)) : null },
    });
  }
  return codecFailure("PayloadDecodeFailure", "The arguments do not decode", error);
}

/** The return value does not encode. */
export function unencodableResult(error: unknown): TaskFailure {
  return codecFailure("ResultEncodeFailure", "The return value does not encode", error);
}

function codecFailure(type: string, what: string, error: unknown): TaskFailure {
  return new TaskFailure("decode_failure", "decode_failure", {
    message: `${what}: ${readThrown(error, false).message}`,
    type,
    retryable: false,
    details: isPayloadError(error) ? { code: error.code } : undefined,
  });
}

export function unsupportedReference(reference: unknown): TaskFailure {
  const uri = typeof reference === "object" && reference !== null ? (reference as { uri?: unknown }).uri : undefined;
  // The scheme only: the rest of the address is nobody's business who reads the failure.
  const scheme = typeof uri === "string" ? /^[a-z][a-z0-9+.-]{0,30}(?=:)/i.exec(uri)?.[0] : undefined;
  return new TaskFailure("unsupported_payload", "unsupported_payload_reference", {
    message: `The arguments are in external storage (${scheme ?? "unknown"}), and this carrier has no driver for it.`,
    type: "UnsupportedPayloadReference",
    retryable: false,
    details: { provider: scheme ?? null },
  });
}

/** The identity of a task, as a result repeats it. */
function identity(input: ExternalTaskInput): ResultTaskWire {
  const { id, attempt, idempotencyKey } = input.task;
  return { id, kind: input.kind, attempt, idempotency_key: idempotencyKey };
}

export function successEnvelope(
  input: ExternalTaskInput,
  payload: PayloadEnvelope,
  metadata: ResultMetadataWire,
): SuccessResultEnvelope {
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    outcome: { status: "succeeded", recorded: true },
    task: identity(input),
    result: { payload, metadata: { content_type: RESULT_CONTENT_TYPE } },
    metadata,
  };
}

export function failureEnvelope(
  input: ExternalTaskInput,
  failure: TaskFailure,
  metadata: ResultMetadataWire,
): FailureResultEnvelope {
  const cancelled = failure.classification === "cancelled";
  const timeoutType: TimeoutType | null = failure.classification === "deadline_exceeded" ? "deadline_exceeded" : null;
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    outcome: { status: "failed", retryable: failure.retryable, recorded: true },
    task: identity(input),
    failure: {
      kind: failure.kind,
      classification: failure.classification,
      message: failure.message,
      type: failure.type,
      stack_trace: failure.stack,
      timeout_type: timeoutType,
      cancelled,
      details: failure.details === undefined ? null : encodeDetails(failure.details),
    },
    metadata,
  };
}

/** Details that do not encode must not cost the failure they belong to: they are replaced by the reason. */
function encodeDetails(details: unknown): PayloadEnvelope {
  try {
    return payloadEnvelope(details);
  } catch (error) {
    return payloadEnvelope({ details_lost: readThrown(error, false).message });
  }
}
