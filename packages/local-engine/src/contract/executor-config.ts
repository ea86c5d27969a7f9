export const EXECUTOR_CONFIG_SCHEMA = "durable-workflow.external-executor.config";
export const EXECUTOR_CONFIG_VERSION = 1;

export const EXECUTOR_CONTRACT = {
  schema: "durable-workflow.v2.external-executor-config.contract",
  version: 1,
} as const;

export const NAMED_ERRORS = [
  "unreadable_config", // no such file, or no permission
  "invalid_json",
  "invalid_schema", // another document, or a field of the wrong type
  "unsupported_version",
  "unknown_overlay",
  "unknown_carrier",
  "unknown_auth_ref",
  "unknown_handler", // for readers that know the handlers; this engine does not
  "duplicate_mapping_name",
  "invalid_queue_binding", // no queue, or one that another mapping claims for the same type
  "missing_invocable_auth_ref",
  "missing_handler_target",
  "unsupported_carrier_capability",
  "invalid_carrier_target",
  "invalid_invocable_carrier_scope",
] as const;
export type NamedError = (typeof NAMED_ERRORS)[number];

/** The config that maps activities to carriers, and how it stands with the one that is configured. */
export function externalExecutorConfigContract(runtime: unknown): Record<string, unknown> {
  return {
    ...EXECUTOR_CONTRACT,
    config_schema: {
      schema: EXECUTOR_CONFIG_SCHEMA,
      version: EXECUTOR_CONFIG_VERSION,
      json_schema_id: "https://durable-workflow.com/schemas/cli/config/external-executor.schema.json",
      schema_source: "dw schema:show external-executor-config",
    },
    steady_state_surface: "config_file",
    override_precedence: ["flags", "environment_overlay", "config_file", "schema_defaults"],
    server_runtime: {
      config_path_env: "DW_EXTERNAL_EXECUTOR_CONFIG_PATH",
      overlay_env: "DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY",
      cluster_info_path: "worker_protocol.external_executor_config_contract.runtime",
      execution_status: "validation_discovery_and_activity_poll_resolution",
    },
    validation: { fail_closed: true, named_errors: NAMED_ERRORS },
    redaction: {
      path_disclosure: "basename_and_sha256_only",
      never_echo: ["token", "secret", "authorization", "signature", "raw_environment_values"],
    },
    runtime,
  };
}
