import {
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  RESULT_CONTENT_TYPE,
} from "../../protocol/constants.js";
import type { ExternalTaskInput } from "../../protocol/task-input.js";
import type { PayloadEnvelope, ResultMetadataWire, SuccessResultEnvelope } from "../../protocol/wire.js";

/** What results begin with, whatever became of the task. */
export type ResultHead = Pick<SuccessResultEnvelope, "schema" | "version" | "task" | "metadata">;

export function resultHead(input: ExternalTaskInput, metadata: ResultMetadataWire): ResultHead {
  const { id, attempt, idempotencyKey } = input.task;
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    task: { id, kind: input.kind, attempt, idempotency_key: idempotencyKey },
    metadata,
  };
}

export function successEnvelope(
  { schema, version, task, metadata }: ResultHead,
  payload: PayloadEnvelope,
): SuccessResultEnvelope {
  return {
    schema,
    version,
    outcome: { status: "succeeded", recorded: true },
    task,
    result: { payload, metadata: { content_type: RESULT_CONTENT_TYPE } },
    metadata,
  };
}
