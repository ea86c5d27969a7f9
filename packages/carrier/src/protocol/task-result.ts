import {
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  type ExternalTaskKind,
  FAILURE_CLASSIFICATIONS,
  FAILURE_KINDS,
  type FailureClassification,
  type FailureKind,
  TASK_KINDS,
  TIMEOUT_TYPES,
  type TimeoutType,
} from "./constants.js";
import { throwResultError } from "./errors.js";
import {
  type ContractViolation,
  collectViolations,
  isObject,
  type JsonObject,
  readBoolean,
  readInteger,
  readLiteral,
  readNullableObject,
  readNullableString,
  readObject,
  readOneOf,
  readString,
  type Violate,
} from "./fields.js";
import type { PayloadEnvelope } from "./wire.js";

/** The identity a result speaks for. A caller compares it with the task it sent. */
export interface ResultTask {
  readonly id: string;
  readonly kind: ExternalTaskKind;
  readonly attempt: number;
  readonly idempotencyKey: string;
}

/** Who ran the task. A field is null when the writer left it out. */
export interface ResultMetadata {
  readonly handler: string | null;
  readonly carrier: string | null;
  /** Whole milliseconds. */
  readonly durationMs: number | null;
}

/** A failure, as a result envelope has it, once read. */
export interface ResultFailure {
  readonly kind: FailureKind;
  readonly classification: FailureClassification;
  readonly message: string;
  readonly type: string | null;
  readonly stackTrace: string | null;
  readonly timeoutType: TimeoutType | null;
  readonly cancelled: boolean;
  /** Codec-tagged by contract; the engine drops untagged details, which some writers send. */
  readonly details: JsonObject | null;
}

/** What can be asked of every result, whichever it is. */
interface ResultFacts {
  readonly task: ResultTask;
  readonly metadata: ResultMetadata;
  /** Whether the outcome is on record with the engine. */
  readonly recorded: boolean;
  readonly succeeded: boolean;
  readonly failed: boolean;
  /** False for a success. */
  readonly retryable: boolean;
  readonly cancelled: boolean;
  readonly deadlineExceeded: boolean;
  readonly handlerCrash: boolean;
  readonly decodeFailure: boolean;
  /** A codec or a reference that the carrier cannot read. */
  readonly unsupportedPayload: boolean;
  readonly malformedOutput: boolean;
  readonly failureKind: FailureKind | null;
  readonly failureClassification: FailureClassification | null;
}

/** A result envelope that was read: the task succeeded. */
export interface ExternalTaskSuccess extends ResultFacts {
  readonly kind: "success";
  readonly succeeded: true;
  readonly failed: false;
  readonly retryable: false;
  readonly failureKind: null;
  readonly failureClassification: null;
  /** The payload envelope of the return value, not yet decoded; null for none. */
  readonly payload: PayloadEnvelope | null;
  readonly resultMetadata: JsonObject | null;
}

interface FailedFacts extends ResultFacts {
  readonly succeeded: false;
  readonly failed: true;
  readonly failureKind: FailureKind;
  readonly failureClassification: FailureClassification;
  readonly failure: ResultFailure;
}

/** A result envelope that was read: the task failed. */
export interface ExternalTaskFailure extends FailedFacts {
  readonly kind: "failure";
  readonly malformedOutput: false;
}

/** Written by whoever called a handler that gave no valid envelope. */
export interface ExternalTaskMalformedOutput extends FailedFacts {
  readonly kind: "malformed_output";
  readonly malformedOutput: true;
  /** What came back instead: previews, an exit code or an HTTP status. */
  readonly rawOutput: JsonObject;
}

/** A result envelope that was read. */
export type ExternalTaskResult = ExternalTaskSuccess | ExternalTaskFailure | ExternalTaskMalformedOutput;

/**
 * Reads an external task result envelope (`durable-workflow.v2.external-task-result`, version 1).
 *
 * Unknown fields are ignored; nullable fields must be there. What nobody decides by (`metadata`, `result.metadata`,
 * `failure.stack_trace`) is taken for null where it is odd: that is no reason to drop the work a result stands for.
 * {@link externalTaskResultViolations} names it all the same. It does not compare the identity with a task: the caller,
 * who knows the task, does.
 *
 * @param value a parsed JSON document
 * @throws {ExternalTaskResultError} naming the first field that violates the contract, and what was expected
 */
export function parseExternalTaskResult(value: unknown): ExternalTaskResult {
  return readTaskResult(value, throwResultError, () => {});
}

/** Every violation of the result contract in a document, in reading order; empty for a valid one. */
export function externalTaskResultViolations(value: unknown): readonly ContractViolation[] {
  return collectViolations((violate) => readTaskResult(value, violate, violate));
}

const STATUSES = ["succeeded", "failed"] as const;

/** @param mention told of what is odd in fields that nobody decides by */
function readTaskResult(value: unknown, violate: Violate, mention: Violate): ExternalTaskResult {
  const document = readObject(value, "", violate);
  readLiteral(document["schema"], EXTERNAL_TASK_RESULT_SCHEMA, "schema", violate);
  readLiteral(document["version"], EXTERNAL_TASK_RESULT_VERSION, "version", violate);
  const outcome = readObject(document["outcome"], "outcome", violate);
  const status = readOneOf(outcome["status"], STATUSES, "outcome.status", violate);
  const recorded = readBoolean(outcome["recorded"], "outcome.recorded", violate);
  const task = readTask(document, violate);
  const metadata = readMetadata(document, mention);
  if (status === "succeeded") return readSuccess(document, { task, metadata, recorded }, violate, mention);
  const retryable = readBoolean(outcome["retryable"], "outcome.retryable", violate);
  return readFailed(document, { task, metadata, recorded }, retryable, { violate, mention });
}

type Common = Pick<ResultFacts, "task" | "metadata" | "recorded">;

function readSuccess(document: JsonObject, common: Common, violate: Violate, mention: Violate): ExternalTaskSuccess {
  const result = readNullableObject(document["result"], "result", violate);
  return {
    kind: "success",
    ...common,
    succeeded: true,
    failed: false,
    retryable: false,
    cancelled: false,
    deadlineExceeded: false,
    handlerCrash: false,
    decodeFailure: false,
    unsupportedPayload: false,
    malformedOutput: false,
    failureKind: null,
    failureClassification: null,
    payload: result === null ? null : readPayload(result["payload"], violate),
    resultMetadata: result === null ? null : readNullableObject(result["metadata"], "result.metadata", mention),
  };
}

function readPayload(value: unknown, violate: Violate): PayloadEnvelope | null {
  const payload = readNullableObject(value, "result.payload", violate);
  if (payload === null) return null;
  const { blob, external_storage: reference, external_payload: runtime } = payload;
  const codec = readString(payload["codec"], "result.payload.codec", violate);
  if (blob === undefined && reference === undefined && runtime !== undefined) {
    const path = "result.payload.external_payload";
    return { ...payload, codec, external_payload: readObject(runtime, path, violate) };
  }
  if (blob === undefined && reference !== undefined) {
    const path = "result.payload.external_storage";
    return { ...payload, codec, external_storage: readObject(reference, path, violate) };
  }
  return { ...payload, codec, blob: readString(blob, "result.payload.blob", violate) };
}

function readFailed(
  document: JsonObject,
  common: Common,
  retryable: boolean,
  { violate, mention }: { readonly violate: Violate; readonly mention: Violate },
): ExternalTaskFailure | ExternalTaskMalformedOutput {
  const failure = readFailure(document, violate, mention);
  const facts = {
    ...common,
    succeeded: false,
    failed: true,
    retryable,
    cancelled: failure.cancelled,
    deadlineExceeded: failure.classification === "deadline_exceeded",
    handlerCrash: failure.classification === "handler_crash",
    decodeFailure: failure.classification === "decode_failure",
    unsupportedPayload: failure.kind === "unsupported_payload",
    failureKind: failure.kind,
    failureClassification: failure.classification,
    failure,
  } as const;
  if (failure.kind !== "malformed_output") return { kind: "failure", ...facts, malformedOutput: false };
  const rawOutput = readObject(document["raw_output"], "raw_output", violate);
  return { kind: "malformed_output", ...facts, malformedOutput: true, rawOutput };
}

function readFailure(document: JsonObject, violate: Violate, mention: Violate): ResultFailure {
  const failure = readObject(document["failure"], "failure", violate);
  // Malformed output is named by both fields or by neither.
  const malformed = failure["kind"] === "malformed_output" || failure["classification"] === "malformed_output";
  const kind = malformed
    ? readLiteral(failure["kind"], "malformed_output", "failure.kind", violate)
    : readOneOf(failure["kind"], FAILURE_KINDS, "failure.kind", violate);
  const classification = malformed
    ? readLiteral(failure["classification"], "malformed_output", "failure.classification", violate)
    : readOneOf(failure["classification"], FAILURE_CLASSIFICATIONS, "failure.classification", violate);
  const message = readString(failure["message"], "failure.message", violate);
  const type = readNullableString(failure["type"], "failure.type", violate);
  const stackTrace = readNullableString(failure["stack_trace"], "failure.stack_trace", mention);
  const timeoutType = failure["timeout_type"];
  return {
    kind,
    classification,
    message,
    type,
    stackTrace,
    timeoutType: timeoutType === null ? null : readOneOf(timeoutType, TIMEOUT_TYPES, "failure.timeout_type", violate),
    cancelled: readBoolean(failure["cancelled"], "failure.cancelled", violate) || classification === "cancelled",
    details: readNullableObject(failure["details"], "failure.details", violate),
  };
}

function readTask(document: JsonObject, violate: Violate): ResultTask {
  const task = readObject(document["task"], "task", violate);
  return {
    id: readString(task["id"], "task.id", violate),
    kind: readOneOf(task["kind"], TASK_KINDS, "task.kind", violate),
    attempt: readInteger(task["attempt"], 1, "task.attempt", violate),
    idempotencyKey: readString(task["idempotency_key"], "task.idempotency_key", violate),
  };
}

function readMetadata(document: JsonObject, mention: Violate): ResultMetadata {
  const { handler, carrier, duration_ms: duration } = readObject(document["metadata"], "metadata", mention);
  const durationMs = duration === undefined ? null : readInteger(duration, 0, "metadata.duration_ms", mention);
  return {
    handler: handler === undefined ? null : readNullableString(handler, "metadata.handler", mention),
    carrier: carrier === undefined ? null : readString(carrier, "metadata.carrier", mention) || null,
    durationMs: durationMs === duration ? durationMs : null,
  };
}

/** True when a result speaks for the given task: same kind, id, attempt and idempotency key, as copied from the input. */
export function resultIsFor(result: ExternalTaskResult, task: ResultTask): boolean {
  return (
    result.task.kind === task.kind &&
    result.task.id === task.id &&
    result.task.attempt === task.attempt &&
    result.task.idempotencyKey === task.idempotencyKey
  );
}

/** True for an object that carries a payload codec tag. */
export function isCodecTagged(value: unknown): value is PayloadEnvelope {
  return isObject(value) && typeof value["codec"] === "string";
}
