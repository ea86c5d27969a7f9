import type { RetryPolicyWire } from "@durable-workflow/engine-protocol/control";
import type { RetryPolicy } from "../engine/model.js";

/** A retry policy as tasks and histories carry it. */
export function policyToWire(policy: RetryPolicy): RetryPolicyWire {
  return {
    snapshot_version: 1,
    max_attempts: policy.maxAttempts,
    backoff_seconds: policy.backoffSeconds,
    start_to_close_timeout: policy.startToCloseSeconds,
    schedule_to_start_timeout: policy.scheduleToStartSeconds,
    schedule_to_close_timeout: policy.scheduleToCloseSeconds,
    heartbeat_timeout: policy.heartbeatSeconds,
    non_retryable_error_types: policy.nonRetryableErrorTypes,
  };
}
