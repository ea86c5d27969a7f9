import type { PublishedContract } from "./contract-id.js";

/** What a server can do: `server_capabilities` of every answer of the worker plane. */
export interface ServerCapabilities {
  /** Seconds that a poll is held at most. */
  readonly long_poll_timeout: number;
  readonly supported_workflow_task_commands: readonly string[];
  readonly workflow_task_poll_request_idempotency: boolean;
  readonly activity_task_poll_request_idempotency: boolean;
  readonly history_page_size_default: number;
  readonly history_page_size_max: number;
  readonly query_tasks: boolean;
  readonly activity_retry_policy: boolean;
  readonly activity_timeouts: boolean;
  readonly child_workflow_retry_policy: boolean;
  readonly child_workflow_timeouts: boolean;
  readonly parent_close_policy: boolean;
  readonly non_retryable_failures: boolean;
  readonly response_compression: readonly string[];
  readonly history_compression: {
    readonly supported_encodings: readonly string[];
    readonly compression_threshold: number;
  };
  readonly external_execution_surface: PublishedContract & { readonly name: string };
  readonly external_executor_config: PublishedContract & {
    readonly config_schema: string;
    readonly config_schema_version: number;
  };
  readonly invocable_carrier: PublishedContract;
  readonly external_task_input: PublishedContract;
  readonly external_task_result: PublishedContract;
}
