import type { Activity, ActivityStatus, ClosedReason, RetryPolicy, RunStatus, TaskStatus } from "../engine/model.js";
import type { RunRecord } from "./records.js";

/** A row of `runs`. */
export interface RunRow {
  readonly id: number;
  readonly namespace: string;
  readonly activity_id: string;
  readonly run_number: number;
  readonly run_id: string;
  readonly execution_id: string;
  readonly command_id: string;
  readonly activity_type: string;
  readonly activity_class: string;
  readonly task_queue: string;
  readonly business_key: string | null;
  readonly policy: string;
  readonly status: RunStatus;
  readonly activity_status: ActivityStatus;
  readonly closed_reason: ClosedReason | null;
  readonly attempt_count: number;
  readonly task_id: string;
  readonly task_status: TaskStatus;
  readonly available_at: number;
  readonly leased_at: number | null;
  readonly lease_owner: string | null;
  readonly lease_expires_at: number | null;
  readonly attempt_id: string | null;
  readonly attempt_started_at: number | null;
  readonly attempt_event: number | null;
  readonly attempt_given_until: number | null;
  readonly expiries: number;
  readonly beats_kept: number;
  readonly beat_kept_at: number | null;
  readonly started_at: number;
  readonly closed_at: number | null;
  readonly last_progress_at: number;
  readonly last_heartbeat_at: number | null;
  readonly schedule_to_start_at: number | null;
  readonly schedule_to_close_at: number | null;
  readonly start_to_close_at: number | null;
  readonly heartbeat_at: number | null;
  readonly history_length: number;
}

export function runOf(row: RunRow): RunRecord {
  return {
    key: row.id,
    namespace: row.namespace,
    activityId: row.activity_id,
    runNumber: row.run_number,
    runId: row.run_id,
    executionId: row.execution_id,
    commandId: row.command_id,
    activityType: row.activity_type,
    activityClass: row.activity_class,
    taskQueue: row.task_queue,
    businessKey: row.business_key,
    state: stateOf(row),
  };
}

function stateOf(row: RunRow): Activity {
  return {
    policy: readPolicy(row.policy),
    status: row.status,
    activityStatus: row.activity_status,
    closedReason: row.closed_reason,
    attemptCount: row.attempt_count,
    expiries: row.expiries,
    task: {
      id: row.task_id,
      status: row.task_status,
      availableAt: row.available_at,
      leasedAt: row.leased_at,
      leaseOwner: row.lease_owner,
      leaseExpiresAt: row.lease_expires_at,
    },
    attempt:
      row.attempt_id === null || row.status !== "running"
        ? null
        : {
            id: row.attempt_id,
            number: row.attempt_count,
            startedAt: row.attempt_started_at ?? row.last_progress_at,
            event: row.attempt_event ?? row.history_length,
            givenUntil: row.attempt_given_until ?? row.last_progress_at,
            beatsKept: row.beats_kept,
            beatKeptAt: row.beat_kept_at,
          },
    startedAt: row.started_at,
    closedAt: row.closed_at,
    lastProgressAt: row.last_progress_at,
    lastHeartbeatAt: row.last_heartbeat_at,
    scheduleToStartAt: row.schedule_to_start_at,
    scheduleToCloseAt: row.schedule_to_close_at,
    startToCloseAt: row.start_to_close_at,
    heartbeatAt: row.heartbeat_at,
    historyLength: row.history_length,
  };
}

/** Few policies are in use at a time, and each is read with every step of its activities. */
const REMEMBERED_POLICIES = 256;
const policies = new Map<string, RetryPolicy>();

function readPolicy(text: string): RetryPolicy {
  let policy = policies.get(text);
  if (policy === undefined) {
    policy = JSON.parse(text) as RetryPolicy;
    if (policies.size >= REMEMBERED_POLICIES) policies.clear();
    policies.set(text, policy);
  }
  return policy;
}
