import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import type { RuntimePayloadEnvelope } from "@durable-workflow/engine-protocol/external-payloads";
import type { ActivityStatus, Micros, TaskStatus } from "../engine/model.js";
import type { StopCommand } from "../service/stops.js";
import type { Payload } from "../store/payloads.js";
import type { FailureRecord, RunRecord } from "../store/records.js";
import { inHistory } from "./payloads.js";
import { policyToWire } from "./policy.js";
import { secondsTimestamp, timestamp } from "./time.js";

/** What the events of a history are put together from. What is null, or not there, is left out. */

export type Wire = Record<string, unknown>;

/** What every part of a history draws on. */
export interface HistorySubject {
  readonly run: RunRecord;
  /** The encoded arguments, null for none. */
  readonly input: Payload | null;
  /** Whether the engine has tokens. */
  readonly isLocked: boolean;
}

/** What an event of the store keeps of the moment. */
export interface Snapshot {
  readonly taskId: string;
  readonly availableAt: Micros;
  readonly leasedAt: Micros | null;
  readonly leaseOwner: string | null;
  readonly leaseExpiresAt: Micros | null;
  readonly attemptId: string | null;
  readonly attemptNumber: number;
  readonly attemptStartedAt: Micros | null;
  readonly lastHeartbeatAt: Micros | null;
  readonly progress?: Wire;
  readonly failure: FailureRecord;
  readonly failureId: string;
  readonly retryTaskId: string;
  readonly retryAvailableAt: Micros;
  readonly backoff: Micros;
  readonly command: StopCommand;
}

interface ActivityMoment {
  readonly status: ActivityStatus;
  readonly attemptCount: number;
  readonly attemptId?: string | null;
  readonly startedAt?: Micros | null;
  readonly lastHeartbeatAt?: Micros | null;
  readonly closedAt?: Micros | null;
  readonly exception?: string | null;
}

export function activityToWire({ run, input }: HistorySubject, moment: ActivityMoment): Wire {
  return {
    id: run.executionId,
    idempotency_key: run.executionId,
    sequence: 1,
    type: run.activityType,
    class: run.activityClass,
    local_activity: false,
    ...optional("attempt_id", moment.attemptId),
    status: moment.status,
    payload_codec: AVRO_CODEC,
    attempt_count: moment.attemptCount,
    retry_policy: policyToWire(run.state.policy),
    queue: run.taskQueue,
    ...optional("last_heartbeat_at", stamp(moment.lastHeartbeatAt)),
    created_at: timestamp(run.state.startedAt),
    ...optional("started_at", stamp(moment.startedAt)),
    ...optional("closed_at", stamp(moment.closedAt)),
    ...optional("arguments", inHistory(input)),
    ...optional("exception", moment.exception),
  };
}

interface TaskMoment {
  readonly id: string;
  readonly status: TaskStatus;
  readonly availableAt: Micros;
  readonly leasedAt: Micros | null;
  readonly leaseOwner: string | null;
  readonly leaseExpiresAt: Micros | null;
  readonly attemptCount: number;
}

export function taskToWire({ run }: HistorySubject, moment: TaskMoment): Wire {
  return {
    id: moment.id,
    type: "activity",
    status: moment.status,
    available_at: timestamp(moment.availableAt),
    ...optional("leased_at", stamp(moment.leasedAt)),
    ...optional("lease_owner", moment.leaseOwner),
    ...optional("lease_expires_at", stamp(moment.leaseExpiresAt)),
    attempt_count: moment.attemptCount,
    repair_count: 0,
    connection: "sqlite",
    queue: run.taskQueue,
  };
}

export function attemptToWire(snapshot: Snapshot, status: string): Wire {
  return {
    id: snapshot.attemptId,
    attempt_number: snapshot.attemptNumber,
    status,
    task_id: snapshot.taskId,
    lease_owner: snapshot.leaseOwner,
    ...optional("last_heartbeat_at", stamp(snapshot.lastHeartbeatAt)),
    ...(status === "running" ? optional("lease_expires_at", stamp(snapshot.leaseExpiresAt)) : {}),
    ...optional("started_at", stamp(snapshot.attemptStartedAt)),
  };
}

export function failureHead(failure: FailureRecord): Wire {
  return {
    failure_id: failure.failureId,
    failure_category: failure.category,
    non_retryable: failure.nonRetryable,
  };
}

export function exceptionToWire(failure: FailureRecord): Wire {
  return {
    exception_type: failure.type,
    exception_class: failure.exceptionClass,
    message: failure.message,
    code: failure.code,
    exception: innerException(failure),
  };
}

/** What histories tell of a failure: nothing of the runtime that it was met in. */
export function innerException({ told = {}, ...failure }: FailureRecord): Wire {
  const isTimeout = failure.category === "timeout";
  return {
    ...(isTimeout ? {} : { type: failure.type }),
    message: failure.message,
    code: failure.code,
    ...optional("kind", isTimeout ? "timeout" : told.kind),
    ...optional("retryable", told.retryable),
    ...(failure.nonRetryable ? { non_retryable: true } : {}),
    ...optional("timeout_type", failure.timeoutKind ?? told.timeoutType),
    ...optional("cancelled", told.cancelled),
    ...optional("malformed_output", told.malformedOutput),
    ...optional("details", failure.details),
    ...optional("diagnostics", told.diagnostics),
    ...optional("runtime_diagnostics", told.runtimeDiagnostics),
  };
}

export function encodedException({ exceptionClass, type, message, code }: FailureRecord): Wire {
  return { class: exceptionClass, type, message, code };
}

const DEADLINE_FIELDS = {
  schedule_to_start: "schedule_deadline_at",
  start_to_close: "close_deadline_at",
  schedule_to_close: "schedule_to_close_deadline_at",
  heartbeat: "heartbeat_deadline_at",
} as const;

export function timeoutToWire(failure: FailureRecord): Wire {
  const deadlines: Wire = Object.fromEntries(Object.values(DEADLINE_FIELDS).map((name) => [name, null]));
  if (failure.timeoutKind !== null && failure.deadlineAt !== null) {
    deadlines[DEADLINE_FIELDS[failure.timeoutKind]] = secondsTimestamp(failure.deadlineAt);
  }
  return {
    failure_id: failure.failureId,
    failure_category: failure.category,
    timeout_kind: failure.timeoutKind,
    message: failure.message,
    exception_class: failure.exceptionClass,
    ...deadlines,
  };
}

export function stopToWire(recorded: HistorySubject, command: StopCommand): Wire {
  return commandToWire(recorded, {
    ...command,
    outcome: command.type === "cancel" ? "cancelled" : "terminated",
    payload: null,
    appliedAt: null,
  });
}

interface Command {
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly payload: string | RuntimePayloadEnvelope | null;
  readonly path: string;
  readonly fingerprint: string;
  readonly outcome: string;
  readonly acceptedAt: Micros;
  readonly appliedAt: Micros | null;
}

export function commandToWire({ run, isLocked }: HistorySubject, command: Command): Wire {
  return {
    id: command.id,
    sequence: command.sequence,
    type: command.type,
    target_scope: "instance",
    resolved_run_id: run.runId,
    payload_codec: AVRO_CODEC,
    ...optional("payload", command.payload),
    source: "control_plane",
    caller_label: "Standalone Server",
    auth_status: "authorized",
    auth_method: isLocked ? "token" : "none",
    request_method: "POST",
    request_path: command.path,
    request_fingerprint: `sha256:${command.fingerprint}`,
    status: "accepted",
    outcome: command.outcome,
    accepted_at: timestamp(command.acceptedAt),
    ...optional("applied_at", stamp(command.appliedAt)),
  };
}

export function stamp(at: Micros | null | undefined): string | null {
  return at === null || at === undefined ? null : timestamp(at);
}

/** What is null, or not there, is left out. */
function optional(name: string, value: unknown): Wire {
  return value === null || value === undefined ? {} : { [name]: value };
}
