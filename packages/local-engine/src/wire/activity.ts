import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import {
  type ActivityDescription,
  type AttemptState,
  type DescribedAttempt,
  type DescribedFailure,
  type ListedActivity,
  LONGEST_WAIT_SECONDS,
  STANDALONE_WORKFLOW_TYPE,
  type StartedActivity,
  type WithAttempts,
} from "@durable-workflow/engine-protocol/control";
import type { Payload } from "../store/payloads.js";
import type { AttemptRecord, FailureRecord, RunRecord } from "../store/records.js";
import { bucketOf } from "../store/records.js";
import { GOES_ON, whyNot } from "./attempts.js";
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
    longest_wait_seconds: LONGEST_WAIT_SECONDS,
  };
}

/** The answer to a start that was held back until the activity had closed: what it says of that, too. */
export function endedToWire(described: Described): ActivityDescription & StartedActivity {
  return {
    command_status: "accepted",
    command_source: "control_plane",
    longest_wait_seconds: LONGEST_WAIT_SECONDS,
    ...describedToWire(described),
    status: described.run.state.status,
  };
}

export interface Described {
  readonly run: RunRecord;
  readonly result: Payload | null;
  readonly failure: FailureRecord | null;
  readonly attempts: readonly AttemptRecord[];
}

/** An activity described. `failure`, and that of each of `attempts`, are this engine's own addition. */
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
    ...attemptsWithFailures(run, attempts),
  };
}

/** The attempts of a run, as descriptions and lists tell of them. The newest is the current one. */
function attemptsToWire(run: RunRecord, attempts: readonly AttemptRecord[]): Required<WithAttempts> {
  const told = attempts.map((attempt, index) => attemptToWire(run, attempt, index === attempts.length - 1));
  const current = told.at(-1) ?? null;
  const state: AttemptState = {
    activity_execution_id: run.executionId,
    attempt_count: run.state.attemptCount,
    current_attempt_id: current?.activity_attempt_id ?? null,
    current_attempt_status: current?.status ?? null,
    attempts: told,
  };
  return {
    current_attempt_id: state.current_attempt_id,
    current_attempt_status: state.current_attempt_status,
    current_attempt: current,
    attempts: told,
    attempt_state: state,
  };
}

/** With why each failed: in one of the places where they are told, as failures are long. */
function attemptsWithFailures(run: RunRecord, attempts: readonly AttemptRecord[]): Required<WithAttempts> {
  const told = attemptsToWire(run, attempts);
  return {
    ...told,
    attempts: told.attempts.map((attempt, index) => withFailure(attempt, attempts[index]?.failure ?? null)),
  };
}

function withFailure(attempt: DescribedAttempt, failure: FailureRecord | null): DescribedAttempt {
  return { failure: failure === null ? null : failureToWire(failure), ...attempt };
}

function attemptToWire(run: RunRecord, attempt: AttemptRecord, isCurrent: boolean): DescribedAttempt {
  const isRunning = attempt.status === "running";
  const verdict = isRunning ? GOES_ON : whyNot({ kind: "closed", run, attempt });
  return {
    id: attempt.attemptId,
    attempt_number: attempt.number,
    activity_attempt_id: attempt.attemptId,
    activity_execution_id: run.executionId,
    workflow_task_id: attempt.taskId,
    task_id: attempt.taskId,
    status: attempt.status,
    lease_owner: attempt.leaseOwner,
    lease_expires_at: isRunning ? timestampOrNull(run.state.task.leaseExpiresAt) : null,
    started_at: timestamp(attempt.startedAt),
    last_heartbeat_at: timestampOrNull(attempt.lastHeartbeatAt),
    last_heartbeat_progress: attempt.progress,
    closed_at: timestampOrNull(attempt.closedAt),
    can_continue: verdict.can_continue,
    cancel_requested: verdict.cancel_requested,
    stop_reason: verdict.reason,
    is_current: isCurrent,
  };
}

/** Why an attempt, or an activity, failed. */
export function failureToWire({ told = {}, ...failure }: FailureRecord): DescribedFailure {
  return {
    failure_category: failure.category,
    message: failure.message,
    type: failure.type,
    non_retryable: failure.nonRetryable,
    timeout_type: failure.timeoutKind ?? told.timeoutType ?? null,
    stack_trace: failure.stackTrace,
    details: failure.details ?? null,
    class: failure.exceptionClass,
    code: failure.code,
    ...(told.kind !== undefined && { kind: told.kind }),
    ...(told.diagnostics !== undefined && { diagnostics: told.diagnostics }),
    ...(told.runtimeDiagnostics !== undefined && { runtime_diagnostics: told.runtimeDiagnostics }),
  };
}

/**
 * A line of a list.
 *
 * @param attempts the newest ones; of what they said and why they failed a list does not tell
 */
export function listedToWire(run: RunRecord, attempts: readonly AttemptRecord[]): ListedActivity {
  const { state } = run;
  return {
    activity_id: run.activityId,
    workflow_id: run.activityId,
    workflow_run_id: run.runId,
    activity_execution_id: run.executionId,
    activity_status: state.activityStatus,
    attempt_count: state.attemptCount,
    ...attemptsToWire(run, attempts),
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
