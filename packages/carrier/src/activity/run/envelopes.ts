import {
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  RESULT_CONTENT_TYPE,
} from "../../protocol/constants.js";
import type { ExternalTaskInput } from "../../protocol/task-input.js";
import type {
  PayloadEnvelope,
  ResultMetadataWire,
  ResultTaskWire,
  SuccessResultEnvelope,
} from "../../protocol/wire.js";

/** The identity of a task, as a result repeats it. */
export function identity(input: ExternalTaskInput): ResultTaskWire {
  const { id, attempt, idempotencyKey } = input.task;
  return { id, kind: input.kind, attempt, idempotency_key: idempotencyKey };
}

export function successEnvelope(
  task: ResultTaskWire,
  payload: PayloadEnvelope,
  metadata: ResultMetadataWire,
): SuccessResultEnvelope {
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    outcome: { status: "succeeded", recorded: true },
    task,
    result: { payload, metadata: { content_type: RESULT_CONTENT_TYPE } },
    metadata,
  };
}
