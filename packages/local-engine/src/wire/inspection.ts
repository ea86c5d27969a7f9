import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import type {
  InspectedActivity,
  InspectedAttempt,
  InspectedPayload,
  InspectedSeries,
} from "@durable-workflow/engine-protocol/control";
import { type Micros, waitsFrom } from "../engine/model.js";
import { type RecentSeries, STEP_SECONDS } from "../service/recent.js";
import type { InspectedRecord, PayloadRecordBrief } from "../store/inspection.js";
import type { AttemptRecord, RunRecord } from "../store/records.js";
import { failureToWire } from "./activity.js";
import { timestamp, timestampOrNull } from "./time.js";

export function inspectedToWire({ run, standing, progress, failure }: InspectedRecord): InspectedActivity {
  const { state } = run;
  return {
    key: run.key,
    activity_id: run.activityId,
    run_id: run.runId,
    activity_type: run.activityType,
    task_queue: run.taskQueue,
    business_key: run.businessKey,
    standing,
    closed_reason: state.closedReason,
    attempt_count: state.attemptCount,
    max_attempts: state.policy.maxAttempts,
    started_at: timestamp(state.startedAt),
    closed_at: timestampOrNull(state.closedAt),
    available_at: timestamp(waitsFrom(state)),
    lease_owner: state.task.leaseOwner,
    lease_expires_at: timestampOrNull(state.task.leaseExpiresAt),
    last_heartbeat_at: timestampOrNull(state.lastHeartbeatAt),
    schedule_to_start_deadline_at: timestampOrNull(state.scheduleToStartAt),
    schedule_to_close_deadline_at: timestampOrNull(state.scheduleToCloseAt),
    start_to_close_deadline_at: timestampOrNull(state.startToCloseAt),
    heartbeat_deadline_at: timestampOrNull(state.heartbeatAt),
    progress: progress === null ? null : shortProgress(progress),
    failure,
  };
}

/** Without `details`, which may be long. */
function shortProgress(text: string): Readonly<Record<string, unknown>> {
  const { current, total, unit, message } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const cut = typeof message === "string" ? message.slice(0, 200) : undefined;
  return { current, total, unit, message: cut };
}

export interface Beat {
  readonly at: Micros;
  readonly progress: string;
}

/** @param availableAt undefined where it is not known any more */
export function inspectedAttemptToWire(
  run: RunRecord,
  attempt: AttemptRecord,
  availableAt: Micros | undefined,
  beats: readonly Beat[],
): InspectedAttempt {
  return {
    number: attempt.number,
    attempt_id: attempt.attemptId,
    task_id: attempt.taskId,
    status: attempt.status,
    available_at: timestampOrNull(availableAt ?? null),
    started_at: timestamp(attempt.startedAt),
    closed_at: timestampOrNull(attempt.closedAt),
    lease_owner: attempt.leaseOwner,
    lease_expires_at: attempt.status === "running" ? timestampOrNull(run.state.task.leaseExpiresAt) : null,
    last_heartbeat_at: timestampOrNull(attempt.lastHeartbeatAt),
    progress: attempt.progress === null ? null : shortProgress(JSON.stringify(attempt.progress)),
    heartbeats: beats.map(({ at, progress }) => ({ at: timestamp(at), progress: shortProgress(progress) })),
    failure: attempt.failure === null ? null : failureToWire(attempt.failure),
  };
}

export function inspectedPayloadToWire(payload: PayloadRecordBrief | undefined): InspectedPayload | null {
  if (payload === undefined) return null;
  return {
    codec: payload.codec ?? AVRO_CODEC,
    size_bytes: payload.length,
    blob: payload.blob,
    reference_id: payload.referenceId,
    sha256: payload.sha256,
  };
}

export function seriesToWire(series: RecentSeries): InspectedSeries {
  return {
    from: timestamp(series.from),
    step_seconds: STEP_SECONDS,
    known_since: timestamp(series.knownSince),
    started: series.started,
    succeeded: series.succeeded,
    failed: series.failed,
    retried: series.retried,
    run_seconds_p50: series.ran.p50,
    run_seconds_p95: series.ran.p95,
    wait_seconds_p50: series.waited.p50,
    wait_seconds_p95: series.waited.p95,
  };
}
