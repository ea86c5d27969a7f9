import {
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  RESULT_CONTENT_TYPE,
} from "../../protocol/constants.js";
import { isVisibleText, recordableName, recordableText } from "../../protocol/recordable-text.js";
import type { ExternalTaskInput } from "../../protocol/task-input.js";
import type {
  FailureResultEnvelope,
  PayloadEnvelope,
  ResultMetadataWire,
  ResultTaskWire,
  SuccessResultEnvelope,
} from "../../protocol/wire.js";
import { clip, LONGEST_MESSAGE } from "../thrown.js";
import { encodeDetails, KIND_OF, type TaskFailure } from "./failures.js";

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
  const { classification, details } = failure;
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    outcome: { status: "failed", retryable: failure.retryable, recorded: true },
    task: identity(input),
    failure: {
      kind: KIND_OF[classification],
      classification,
      ...recordableWords(failure),
      timeout_type: classification === "deadline_exceeded" ? classification : null,
      cancelled: classification === "cancelled",
      details: failure.encodedDetails ?? (details === undefined ? null : encodeDetails(details)),
    },
    metadata,
  };
}

/**
 * The one place where a failure's texts go onto the wire, wherever they are from: no engine refuses them, so that what
 * ended is recorded.
 */
function recordableWords({ message, type, stack }: TaskFailure) {
  const name = type === null ? null : recordableName(type);
  return {
    message: isVisibleText(message)
      ? clip(message, LONGEST_MESSAGE)
      : `${name ?? "The activity"} failed without a message.`,
    type: name,
    stack_trace: typeof stack === "string" ? recordableText(stack) : null,
  };
}
