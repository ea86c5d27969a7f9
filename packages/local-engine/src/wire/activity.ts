import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import {
  type ActivityDescription,
  type DescribedAttempt,
  type DescribedFailure,
  type ListedActivity,
  STANDALONE_WORKFLOW_TYPE,
  type StartedActivity,
} from "@durable-workflow/engine-protocol/control";
import type { Payload } from "../store/payloads.js";
import type { AttemptRecord, FailureRecord, RunRecord } from "../store/records.js";
import { bucketOf } from "../store/records.js";
import { envelopeOrNull } from "./payloads.js";
import { timestamp, timestampOrNull } from "./time.js";

/** The answer to a start. */
export function startedToWire(run: RunRecord): StartedActivity {
  const { state } = run;
  return {
    activity_id: run.activityId,
    activity_execution_id: run.executionId,
    workflow_id: run.activityId,
    workflow_run_id: run.runId,
    workflow_type: STANDALONE_WORKFLOW_TYPE,
    activity_type: run.activityType,
    activity_class: run.activityClass,
    task_queue: run.taskQueue,
    namespace: run.namespace,
    status: state.status,
    payload_codec: AVRO_CODEC,
    started_at: timestamp(state.startedAt),
    schedule_to_start_deadline_at: timestampOrNull(state.scheduleToStartAt),
    schedule_to_close_deadline_at: timestampOrNull(state.scheduleToCloseAt),
    command_status: "accepted",
    command_source: "control_plane",
  };
}

export interface Described {
  readonly run: RunRecord;
  readonly result: Payload | null;
  readonly failure: FailureRecord | null;
  readonly attempts: readonly AttemptRecord[];
}

/** An activity described. `failure` and `attempts` are this engine's own addition. */
export function describedToWire({ run, result, failure, attempts }: Described): ActivityDescription {
  const { state } = run;
  return {
    activity_id: run.activityId,
    workflow_id: run.activityId,
    workflow_run_id: run.runId,
    workflow_type: STANDALONE_WORKFLOW_TYPE,
    namespace: run.namespace,
    activity_type: run.activityType,
    activity_class: run.activityClass,
    activity_execution_id: run.executionId,
    activity_status: state.activityStatus,
    attempt_count: state.attemptCount,
    task_queue: run.taskQueue,
    business_key: run.businessKey,
    status: state.status,
    closed_reason: state.closedReason,
    started_at: timestamp(state.startedAt),
    closed_at: timestampOrNull(state.closedAt),
    last_progress_at: timestamp(state.lastProgressAt),
    compatibility: null,
    payload_codec: AVRO_CODEC,
    schedule_to_start_deadline_at: timestampOrNull(state.scheduleToStartAt),
    schedule_to_close_deadline_at: timestampOrNull(state.scheduleToCloseAt),
    last_heartbeat_at: timestampOrNull(state.lastHeartbeatAt),
    result: envelopeOrNull(result),
    failure: failure === null ? null : failureToWire(failure),
    attempts: attempts.map(attemptToWire),
  };
}

function attemptToWire(attempt: AttemptRecord): DescribedAttempt {
  return {
    attempt_number: attempt.number,
    activity_attempt_id: attempt.attemptId,
    task_id: attempt.taskId,
    status: attempt.status,
    lease_owner: attempt.leaseOwner,
    started_at: timestamp(attempt.startedAt),
    last_heartbeat_at: timestampOrNull(attempt.lastHeartbeatAt),
    closed_at: timestampOrNull(attempt.closedAt),
    failure: attempt.failure === null ? null : failureToWire(attempt.failure),
  };
}

function failureToWire(failure: FailureRecord): DescribedFailure {
  return {
    failure_category: failure.category,
    message: failure.message,
    type: failure.type,
    non_retryable: failure.nonRetryable,
    timeout_type: failure.timeoutKind,
    stack_trace: failure.stackTrace,
    details: failure.details ?? null,
  };
}

/** A line of a list. */
export function listedToWire(run: RunRecord): ListedActivity {
  const { state } = run;
  return {
    activity_id: run.activityId,
    workflow_run_id: run.runId,
    activity_type: run.activityType,
    activity_class: run.activityClass,
    task_queue: run.taskQueue,
    status: state.status,
    status_bucket: bucketOf(state.status),
    business_key: run.businessKey,
    started_at: timestamp(state.startedAt),
    closed_at: timestampOrNull(state.closedAt),
  };
}
