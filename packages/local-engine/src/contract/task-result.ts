import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import {
  AVRO_CODEC,
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  type ExternalTaskResultEnvelope,
  FAILURE_CLASSIFICATIONS,
  FAILURE_KINDS,
  type FailureClassification,
  type FailureKind,
  type FailureResultEnvelope,
  RESULT_CONTENT_TYPE,
  type ResultTaskWire,
  TIMEOUT_TYPES,
  type TimeoutType,
} from "@durable-workflow/carrier/protocol";
import { type PublishedArtifact, RESULT_CONTRACT } from "@durable-workflow/engine-protocol/control";
import { artifact } from "./artifacts.js";
import { UNKNOWN_FIELDS, versioning } from "./common.js";

const fromTask = (field: string): object => ({ source: `external task input task.${field}`, type: "string" });
const taskFields = {
  id: fromTask("id"),
  kind: fromTask("kind"),
  attempt: { source: "external task input task.attempt", type: "integer", minimum: 1 },
  idempotency_key: fromTask("idempotency_key"),
};
const recorded = { source: "worker protocol response.recorded", type: "boolean" };
const optionalText = { type: "string", nullable: true };

const envelopes = {
  success: {
    kind: "success",
    required_fields: ["schema", "version", "outcome", "task", "result", "metadata"],
    outcome_fields: { status: { constant: "succeeded" }, recorded },
    task_fields: taskFields,
    result_fields: {
      payload: { type: "object", nullable: true, codec_tagged: true },
      metadata: { type: "object", nullable: true },
    },
  },
  failure: {
    kind: "failure",
    required_fields: ["schema", "version", "outcome", "task", "failure", "metadata"],
    outcome_fields: { status: { constant: "failed" }, retryable: { type: "boolean" }, recorded },
    task_fields: taskFields,
    failure_fields: {
      kind: { type: "string", values: FAILURE_KINDS },
      classification: { type: "string", values: FAILURE_CLASSIFICATIONS },
      message: { type: "string" },
      type: optionalText,
      stack_trace: optionalText,
      timeout_type: { ...optionalText, values: TIMEOUT_TYPES },
      cancelled: { type: "boolean" },
      details: { type: "object", nullable: true, codec_tagged: true },
    },
  },
  malformed_output: {
    kind: "malformed_output",
    required_fields: ["schema", "version", "outcome", "task", "failure", "raw_output", "metadata"],
    meaning: "What the handler gave is not an envelope of this contract.",
    retryability: "Repeated only where the mapping of the handler calls that safe.",
    failure_defaults: {
      kind: "malformed_output",
      classification: "malformed_output",
      retryable: false,
      cancelled: false,
    },
  },
};

const HEAD = { schema: EXTERNAL_TASK_RESULT_SCHEMA, version: EXTERNAL_TASK_RESULT_VERSION } as const;
const TASK: ResultTaskWire = {
  id: "01kjpx5w3h8m2v0c9r4t6y1b7d",
  kind: "activity_task",
  attempt: 1,
  idempotency_key: "01KJPX5W6T4K8N2P0R9S7V5X3Z",
};
const METADATA = { handler: "search.reindex", carrier: "search-handlers", duration_ms: 412 };

interface Example {
  readonly kind: FailureKind;
  readonly classification: FailureClassification;
  readonly message: string;
  readonly type: string;
  readonly retryable: boolean;
  readonly timeoutType?: TimeoutType;
}

function failed({ kind, classification, message, type, retryable, timeoutType }: Example): FailureResultEnvelope {
  return {
    ...HEAD,
    outcome: { status: "failed", retryable, recorded: false },
    task: TASK,
    failure: {
      kind,
      classification,
      message,
      type,
      stack_trace: null,
      timeout_type: timeoutType ?? null,
      cancelled: classification === "cancelled",
      details: null,
    },
    metadata: METADATA,
  };
}

const examples: Readonly<Record<string, ExternalTaskResultEnvelope>> = {
  success: {
    ...HEAD,
    outcome: { status: "succeeded", recorded: false },
    task: TASK,
    result: {
      payload: { codec: AVRO_CODEC, blob: encodeAvroValue({ documents: 1840 }) },
      metadata: { content_type: RESULT_CONTENT_TYPE },
    },
    metadata: METADATA,
  },
  failure: failed({
    kind: "timeout",
    classification: "deadline_exceeded",
    message: "The index did not answer before start_to_close passed.",
    type: "IndexTimeout",
    retryable: true,
    timeoutType: "deadline_exceeded",
  }),
  malformed_output: {
    ...failed({
      kind: "malformed_output",
      classification: "malformed_output",
      message: "The handler's answer is not JSON.",
      type: "MalformedOutput",
      retryable: false,
    }),
    raw_output: { stdout_preview: "indexed 1840", stderr_preview: "", exit_code: 0 },
  },
  cancellation: failed({
    kind: "cancellation",
    classification: "cancelled",
    message: "The run was cancelled.",
    type: "ActivityCancelled",
    retryable: false,
  }),
  handler_crash: failed({
    kind: "handler_crash",
    classification: "handler_crash",
    message: "The handler's process ended with signal 9.",
    type: "HandlerCrash",
    retryable: true,
  }),
  decode_failure: failed({
    kind: "decode_failure",
    classification: "decode_failure",
    message: "The arguments are not a framed Avro value.",
    type: "PayloadError",
    retryable: false,
  }),
  unsupported_payload_codec: failed({
    kind: "unsupported_payload",
    classification: "unsupported_payload_codec",
    message: "The arguments have a codec that cannot be read.",
    type: "UnsupportedPayloadCodec",
    retryable: false,
  }),
  unsupported_payload_reference: failed({
    kind: "unsupported_payload",
    classification: "unsupported_payload_reference",
    message: "There is no driver for the reference of the arguments.",
    type: "UnsupportedPayloadReference",
    retryable: false,
  }),
};

function fixtures(): Record<string, PublishedArtifact<ExternalTaskResultEnvelope>> {
  return Object.fromEntries(
    Object.entries(examples).map(([key, example]) => [
      key,
      artifact(
        EXTERNAL_TASK_RESULT_SCHEMA,
        EXTERNAL_TASK_RESULT_VERSION,
        EXTERNAL_TASK_RESULT_MEDIA_TYPE,
        key.replaceAll("_", "-"),
        example,
      ),
    ]),
  );
}

/** What a carrier answers. */
export const externalTaskResultContract = {
  ...RESULT_CONTRACT,
  unknown_field_policy: UNKNOWN_FIELDS,
  versioning,
  exit_codes: {
    success: "0 is a success only beside a valid success envelope.",
    failure: "Other codes say how the process ended; the carrier turns them into a failure envelope.",
    reserved: {
      "64": "The input, or the envelope that was written, is malformed.",
      "70": "The handler crashed before it wrote an envelope.",
      "75": "A passing failure: trying again may help.",
      "130": "The handler was cancelled.",
    },
  },
  stderr_policy: "logs_only_no_machine_meaning",
  payload_support: {
    result_payload: "Results are tagged with their codec; no result is result: null.",
    failure_details: "Details are tagged with their codec, where there are any.",
    unsupported_codec:
      "Arguments that cannot be read: kind unsupported_payload, classification unsupported_payload_codec.",
    unsupported_external_storage:
      "A reference that cannot be fetched: kind unsupported_payload, classification unsupported_payload_reference.",
  },
  envelopes,
  fixtures: fixtures(),
};
