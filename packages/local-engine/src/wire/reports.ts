import type { Reason } from "@durable-workflow/engine-protocol";
import type {
  AttemptIds,
  IgnoredAnswer,
  ReportAnswer,
  TaskHeartbeatAnswer,
} from "@durable-workflow/engine-protocol/worker";
import { type Reply, ReplyError } from "../http/call.js";
import type { Claimant, Closed, HeartbeatOutcome, OwnershipError, ReportOutcome } from "../service/reports.js";
import type { AttemptRecord, RunRecord } from "../store/records.js";
import { PayloadRefusedError, refusalOf, refusedReport } from "./payload-errors.js";
import { timestamp, timestampOrNull } from "./time.js";

type Ids = Pick<Claimant, "taskId" | "attemptId">;

/** The answer to a complete or a fail. */
export function reportToWire(outcome: ReportOutcome, claimant: Claimant, verb: "completed" | "failed"): Reply {
  if (outcome.kind === "closed") return { status: 409, body: closedToWire(outcome, idsToWire(claimant), verb) };
  if (outcome.kind === "payload_refused") {
    throw refusedReport(new PayloadRefusedError(refusalOf(outcome.fault)), claimant);
  }
  if (outcome.kind !== "recorded") throw ownershipError(outcome, claimant);
  const next = outcome.nextTaskId;
  const body: ReportAnswer = {
    task_id: claimant.taskId,
    activity_attempt_id: claimant.attemptId,
    outcome: verb,
    recorded: true,
    reason: null,
    next_task_id: next,
  };
  return { status: 200, body };
}

function closedToWire(
  { run, attempt }: Closed,
  ids: AttemptIds,
  verb: "completed" | "failed",
): ReportAnswer | IgnoredAnswer {
  const { state } = run;
  const stopped = stoppedReason(run.state.status, attempt.status);
  if (stopped === undefined) {
    return {
      ...ids,
      outcome: verb,
      recorded: false,
      reason: "stale_attempt",
      next_task_id: null,
      ...standing(run, attempt),
    };
  }
  return {
    ...ids,
    outcome: "ignored",
    recorded: false,
    reason: stopped,
    next_task_id: null,
    error: "Activity outcome ignored because the workflow run is already closed.",
    cancel_requested: true,
    can_continue: false,
    run_status: state.status,
    run_closed_reason: state.closedReason,
    run_closed_at: timestampOrNull(state.closedAt),
    ...standing(run, attempt),
    lease_expires_at: null,
  };
}

/** The answer to a heartbeat: a 200 also where the handler has to stop. */
export function heartbeatToWire(outcome: HeartbeatOutcome, claimant: Claimant): Reply {
  if (outcome.kind !== "recorded" && outcome.kind !== "closed") throw ownershipError(outcome, claimant);
  return { status: 200, body: heartbeatBody(outcome, claimant) };
}

function heartbeatBody(
  outcome: Extract<HeartbeatOutcome, { readonly kind: "recorded" | "closed" }>,
  claimant: Claimant,
): TaskHeartbeatAnswer {
  const head = { ...idsToWire(claimant), lease_owner: claimant.leaseOwner };
  if (outcome.kind === "recorded") {
    return {
      ...head,
      cancel_requested: false,
      can_continue: true,
      reason: null,
      run_closed_reason: null,
      run_closed_at: null,
      heartbeat_recorded: true,
      lease_expires_at: timestamp(outcome.leaseExpiresAt),
      last_heartbeat_at: timestamp(outcome.at),
    };
  }
  const { run, attempt } = outcome;
  const { state } = run;
  const stopped = stoppedReason(state.status, attempt.status);
  const sameTask = attempt.taskId === state.task.id;
  return {
    ...head,
    cancel_requested: stopped !== undefined,
    can_continue: false,
    reason: stopped ?? "attempt_closed",
    run_closed_reason: state.closedReason,
    run_closed_at: timestampOrNull(state.closedAt),
    heartbeat_recorded: false,
    lease_expires_at: sameTask ? timestampOrNull(state.task.leaseExpiresAt) : null,
    last_heartbeat_at: timestampOrNull(attempt.lastHeartbeatAt),
  };
}

/** Where an attempt, its activity and its task stand. */
export function standing(
  { state }: RunRecord,
  { status, taskId, leaseOwner }: AttemptRecord,
): Readonly<Record<"lease_owner" | "activity_status" | "attempt_status" | "task_status", string>> {
  // A task that was superseded by another is over, in the way that its attempt is.
  const superseded = status === "timed_out" ? "cancelled" : "completed";
  return {
    lease_owner: leaseOwner,
    activity_status: state.activityStatus,
    attempt_status: status,
    task_status: taskId === state.task.id ? state.task.status : superseded,
  };
}

/** Set for an attempt that was running when its run was stopped. */
export function stoppedReason(runStatus: string, attemptStatus: string): Reason | undefined {
  if (attemptStatus !== "cancelled") return undefined;
  return runStatus === "terminated" ? "run_terminated" : "run_cancelled";
}

export function idsToWire({ taskId, attemptId }: Ids): AttemptIds {
  return { task_id: taskId, activity_attempt_id: attemptId };
}

const OWNERSHIP = {
  task_not_found: [404, "Activity task not found."],
  attempt_not_found: [404, "Activity attempt not found."],
  task_mismatch: [409, "Activity attempt is not leased for this task."],
  lease_owner_mismatch: [409, "Activity attempt lease is owned by another worker."],
} as const satisfies Readonly<Record<OwnershipError["kind"] & Reason, readonly [number, string]>>;

export function ownershipError(outcome: OwnershipError, ids: Ids): ReplyError {
  const [status, error] = OWNERSHIP[outcome.kind];
  const owner = outcome.kind === "lease_owner_mismatch" ? { lease_owner: outcome.leaseOwner } : {};
  return new ReplyError(status, { ...idsToWire(ids), error, reason: outcome.kind, ...owner });
}
