/**
 * Names, versions and media types of the external-task contract, as published by the engine in
 * `GET /api/cluster/info` under `worker_protocol`.
 */

export const EXTERNAL_TASK_INPUT_SCHEMA = "durable-workflow.v2.external-task-input";
/** `version` of an input envelope. */
export const EXTERNAL_TASK_INPUT_VERSION = 1;
/** Media type of a request to a carrier. */
export const EXTERNAL_TASK_INPUT_MEDIA_TYPE = "application/vnd.durable-workflow.external-task-input+json";

/** `schema` of a result envelope. */
export const EXTERNAL_TASK_RESULT_SCHEMA = "durable-workflow.v2.external-task-result";
/** `version` of a result envelope. */
export const EXTERNAL_TASK_RESULT_VERSION = 1;
/** Media type of a carrier's 200 response. */
export const EXTERNAL_TASK_RESULT_MEDIA_TYPE = "application/vnd.durable-workflow.external-task-result+json";

/** `result.metadata.content_type` of a success. */
export const RESULT_CONTENT_TYPE = "application/vnd.durable-workflow.result+json";

/** `error` of the 400 answer to a request whose task could not be read. */
export const INVALID_INVOCABLE_REQUEST = "invalid_invocable_request";

/** The only payload codec of the contract. */
export const AVRO_CODEC = "avro";

/** `schema` of a reference to a payload in external storage. */
export const EXTERNAL_PAYLOAD_REFERENCE_SCHEMA = "durable-workflow.v2.external-payload-reference.v1";

/** Server limit for one payload, in bytes of its blob; a server may be configured otherwise. */
export const DEFAULT_PAYLOAD_LIMIT_BYTES = 2_097_152;

/** Every kind of task. A carrier takes activity tasks only. */
export const TASK_KINDS = ["activity_task", "workflow_task"] as const;
/** What kind of task an input envelope has. */
export type ExternalTaskKind = (typeof TASK_KINDS)[number];

/** Every kind of failure. */
export const FAILURE_KINDS = [
  "application", // the handler threw, or the task cannot be served here at all
  "timeout", // a deadline passed
  "cancellation", // the handler stopped because it was asked to
  "malformed_output", // written by a caller that got no valid envelope
  "handler_crash", // the process that ran the handler died
  "decode_failure", // arguments or return value do not fit the codec
  "unsupported_payload", // a codec or a reference that this carrier cannot read
] as const;
/** Who or what failed. */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** Every classification of a failure. */
export const FAILURE_CLASSIFICATIONS = [
  "application_error",
  "timeout",
  "cancelled",
  "deadline_exceeded",
  "handler_crash",
  "decode_failure",
  "malformed_output",
  "unsupported_payload_codec",
  "unsupported_payload_reference",
] as const;
/** What a failure is, in finer words than its kind. */
export type FailureClassification = (typeof FAILURE_CLASSIFICATIONS)[number];

/** Every deadline that a failure can name. */
export const TIMEOUT_TYPES = [
  "schedule_to_start", // waited too long for a worker
  "start_to_close", // one attempt took too long
  "schedule_to_close", // all attempts together took too long
  "heartbeat", // no sign of life for too long
  "deadline_exceeded", // a deadline the carrier saw pass
] as const;
/** The deadline that a failure names. */
export type TimeoutType = (typeof TIMEOUT_TYPES)[number];

/**
 * The entry of an envelope's `headers` that carries the activity execution's id, stable over all attempts. An addition to
 * the contract under the engine's own name for it; dispatchers set it.
 */
export const ACTIVITY_EXECUTION_ID_HEADER = "activity_execution_id";

/** By these `reason`s the engine refuses whoever does not hold the lease, or not any more. */
export const LEASE_GONE_REASONS = [
  "task_not_found",
  "attempt_not_found",
  "task_mismatch",
  "lease_owner_mismatch",
] as const;
