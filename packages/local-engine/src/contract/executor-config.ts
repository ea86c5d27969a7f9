import {
  EXECUTOR_CONTRACT,
  type ExecutorConfigContract,
  type ExecutorConfigRuntime,
} from "@durable-workflow/engine-protocol/control";
import { CONFIG_SCHEMA, CONFIG_VERSION, NAMED_ERRORS } from "@durable-workflow/engine-protocol/executor-config";

/** The config that maps activities to carriers, and how it stands with the one that is configured. */
export function externalExecutorConfigContract(runtime: ExecutorConfigRuntime): ExecutorConfigContract {
  return {
    ...EXECUTOR_CONTRACT,
    config_schema: {
      schema: CONFIG_SCHEMA,
      version: CONFIG_VERSION,
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
