import {
  AUTH_CONTRACT,
  EXECUTOR_CONTRACT,
  INPUT_CONTRACT,
  INVOCABLE_CONTRACT,
  type PublishedContract,
  RESULT_CONTRACT,
  SURFACE_CONTRACT,
} from "@durable-workflow/engine-protocol/control";
export const SURFACE_NAME = "activity_grade_external_execution";

const published = (contract: PublishedContract, path: string): object => ({
  schema: contract.schema,
  version: contract.version,
  status: "published",
  cluster_info_path: path,
});

/** What may run outside the engine, and which contracts bound it. */
export const externalExecutionSurfaceContract = {
  ...SURFACE_CONTRACT,
  product_boundary: {
    name: SURFACE_NAME,
    definition: "Bounded tasks, kept durable by the engine and run by handlers outside it.",
    contract_first: true,
    carrier_second: true,
  },
  runtime_boundary: {
    external_handlers_may: [
      "run one leased activity task",
      "keep its lease with heartbeats",
      "answer with a success or a failure envelope",
    ],
    external_handlers_must_not: [
      "replay workflows",
      "change the history of a run",
      "order signals, queries or updates",
    ],
  },
  contract_seams: {
    input_envelope: published(INPUT_CONTRACT, "worker_protocol.external_task_input_contract"),
    result_envelope: published(RESULT_CONTRACT, "worker_protocol.external_task_result_contract"),
    auth_profile_tls_composition: published(AUTH_CONTRACT, "auth_composition_contract"),
    handler_mappings: published(EXECUTOR_CONTRACT, "worker_protocol.external_executor_config_contract"),
    invocable_http_carrier: published(INVOCABLE_CONTRACT, "worker_protocol.invocable_carrier_contract"),
  },
  carrier_neutrality: {
    valid_carriers: [
      "poll_based_cli_or_daemon",
      "http_handler_invocation",
      "queue_backed_worker",
      "serverless_invocation",
    ],
    carrier_requirements: [
      "sends the input envelope as declared",
      "takes the result envelope as declared",
      "keeps id, attempt and idempotency key of the task",
    ],
  },
  non_goals: ["a language for workflows", "handlers that replay", "a general message broker"],
};

/** How those who connect put together address, namespace and credentials. */
export const authCompositionContract = {
  ...AUTH_CONTRACT,
  scope: "external_execution_carriers",
  unknown_field_policy: "ignore_additive_reject_unknown_required",
  precedence: {
    connection_values: ["flag", "environment", "selected_profile", "default"],
    profile_selection: ["flag_env", "DW_ENV", "current_profile", "default_profile"],
    notes: ["The first source that has a value wins; sources are never mixed within one value."],
  },
  canonical_environment: {
    server_url: "DURABLE_WORKFLOW_SERVER_URL",
    namespace: "DURABLE_WORKFLOW_NAMESPACE",
    auth_token: "DURABLE_WORKFLOW_AUTH_TOKEN",
    tls_verify: "DURABLE_WORKFLOW_TLS_VERIFY",
    profile: "DW_ENV",
  },
  auth_material: {
    token: {
      status: "supported",
      transport: "bearer_authorization_header",
      persisted_as: "secret_reference_or_profile_env_reference",
      effective_config_value: "redacted",
    },
    mtls: {
      status: "reserved",
      persisted_as: "certificate_and_key_references",
      effective_config_value: "references_only",
    },
    signed_headers: {
      status: "reserved",
      persisted_as: "key_reference_and_header_allowlist",
      effective_config_value: "references_only",
    },
  },
  effective_config: {
    required_fields: ["server_url", "namespace", "profile", "auth", "tls", "identity"],
    source_values: ["flag", "environment", "selected_profile", "profile_env", "default", "server"],
  },
  redaction: {
    never_echo: [
      "bearer_tokens",
      "private_keys",
      "shared_signature_keys",
      "client_certificate_private_key_material",
      "raw_authorization_headers",
    ],
    allowed_diagnostics: [
      "redacted",
      "secret_reference_name",
      "environment_variable_name",
      "profile_name",
      "certificate_reference_name",
      "key_reference_name",
    ],
  },
};
