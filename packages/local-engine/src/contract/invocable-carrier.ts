import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import { INPUT_CONTRACT, INVOCABLE_CONTRACT, RESULT_CONTRACT } from "@durable-workflow/engine-protocol/control";
import { CONFIG_SCHEMA, CONFIG_VERSION } from "@durable-workflow/engine-protocol/executor-config";

/** How a caller reads what the transport says; goes with each task too. */
export const failureMapping = {
  transport_timeout: "failure.kind=timeout classification=deadline_exceeded",
  non_2xx_without_valid_envelope: "malformed_output",
  invalid_json: "malformed_output",
  schema_mismatch: "malformed_output",
  unsupported_payload_reference: "unsupported_payload",
};

/** Who decides whether an activity is tried again; goes with each task too. */
export const RETRY_AUTHORITY =
  "carrier policy may retry transport failures, but durable activity retry policy remains the server/runtime authority";

/** Carriers that are called over HTTP, and what the config may say of them. */
export const invocableCarrierContract = {
  ...INVOCABLE_CONTRACT,
  scope: {
    task_kinds: ["activity_task"],
    explicit_non_goals: ["workflow_task_execution", "workflow_replay", "history_mutation", "generic_webhook_ingress"],
  },
  config_binding: {
    config_schema: CONFIG_SCHEMA,
    config_schema_version: CONFIG_VERSION,
    carrier_type_field: "carriers.<name>.type",
    required_type_value: "invocable_http",
    mapping_kind: "activity",
    capability: "activity_task",
  },
  target_fields: {
    url: {
      type: "string",
      required: true,
      allowed_schemes: ["https", "http_loopback"],
      forbidden: ["userinfo"],
      meaning: "Where the handler is called.",
    },
    method: { type: "string", required: false, default: "POST", allowed: ["POST"] },
    timeout_seconds: {
      type: "integer",
      required: false,
      minimum: 1,
      maximum: 900,
      meaning: "Bounds one delivery; the task's own deadlines count as well.",
    },
    retry_policy: {
      type: "object",
      required: false,
      meaning: "Repeats of a delivery that the transport lost, before a result is reported.",
      fields: {
        max_attempts: { type: "integer", minimum: 1, maximum: 5, default: 1 },
        backoff_seconds: { type: "array", items: "integer", minimum: 0, maximum: 300, max_items: 5 },
        retryable_status_codes: { type: "array", items: "integer", allowed: [408, 425, 429, "5xx"], max_items: 20 },
      },
    },
  },
  request: {
    method: "POST",
    content_type: EXTERNAL_TASK_INPUT_MEDIA_TYPE,
    body_schema: INPUT_CONTRACT.schema,
    body_version: INPUT_CONTRACT.version,
    idempotency_key_source: "task.idempotency_key",
  },
  response: {
    content_type: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
    body_schema: RESULT_CONTRACT.schema,
    body_version: RESULT_CONTRACT.version,
    success_result_path: "result.payload",
    failure_path: "failure",
  },
  failure_mapping: failureMapping,
  auth: {
    source: "external_executor_config.auth_refs",
    redaction: "tokens_secrets_signatures_never_echoed",
    determinism: "what credential counts can be told from the redacted config alone",
    required: "everywhere but on loopback, where development may do without",
  },
  rollout_safety: {
    coexistence: "poll_and_invocable_carriers_may_share_a_queue_only_when_mappings_are_activity_type_specific",
    drain_signal: "take mappings out of the config before the credential of their endpoint",
    retry_authority: RETRY_AUTHORITY,
    retry_policy_path: "carriers.<name>.retry_policy",
  },
};
