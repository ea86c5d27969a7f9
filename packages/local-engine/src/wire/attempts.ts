import type { Reason } from "@durable-workflow/engine-protocol";
import type { AttemptStatusAnswer, LeaseRenewalAnswer } from "@durable-workflow/engine-protocol/worker";
import type { DueAction } from "../engine/deadlines.js";
import type { Micros } from "../engine/model.js";
import type { Reply } from "../http/call.js";
import type { Claimant, Closed, Overdue, RenewalOutcome, StatusOutcome } from "../service/reports.js";
import { idsToWire, ownershipError, standing, stoppedReason } from "./reports.js";
import { deadlinesToWire } from "./task.js";
import { timestamp, timestampOrNull } from "./time.js";

/** The answer to a renewal: a 409 where the attempt must not go on. */
export function renewalToWire(outcome: RenewalOutcome, claimant: Claimant, now: Micros): Reply {
  if (outcome.kind !== "renewed" && outcome.kind !== "closed" && outcome.kind !== "overdue") {
    throw ownershipError(outcome, claimant);
  }
  const { run, attempt } = outcome;
  const { state } = run;
  const isRenewed = outcome.kind === "renewed";
  const why = isRenewed ? GOES_ON : whyNot(outcome);
  const isCurrent = outcome.kind !== "closed";
  const body: LeaseRenewalAnswer = {
    ...idsToWire(claimant),
    workflow_task_id: attempt.taskId,
    workflow_instance_id: run.activityId,
    workflow_run_id: run.runId,
    activity_execution_id: run.executionId,
    attempt_number: attempt.number,
    lease_owner: attempt.leaseOwner,
    lease_renewed: isRenewed,
    ...why,
    heartbeat_recorded: false,
    server_time: timestamp(isRenewed ? outcome.at : now),
    lease_expires_at: isCurrent ? timestampOrNull(state.task.leaseExpiresAt) : null,
    last_heartbeat_at: timestampOrNull(attempt.lastHeartbeatAt),
    heartbeat_deadline_at: isCurrent ? timestampOrNull(state.heartbeatAt) : null,
  };
  return { status: isRenewed ? 200 : 409, body };
}

/** How an attempt stands: a 200 also where it must not go on. */
export function statusToWire(outcome: StatusOutcome, claimant: Claimant): Reply {
  if (outcome.kind !== "owned" && outcome.kind !== "closed" && outcome.kind !== "overdue") {
    throw ownershipError(outcome, claimant);
  }
  const { run, attempt } = outcome;
  const { state } = run;
  const isCurrent = outcome.kind !== "closed";
  const deadlines = deadlinesToWire(state);
  const body: AttemptStatusAnswer = {
    ...idsToWire(claimant),
    ...standing(run, attempt),
    ...(outcome.kind === "owned" ? GOES_ON : whyNot(outcome)),
    heartbeat_recorded: false,
    lease_expires_at: isCurrent ? timestampOrNull(state.task.leaseExpiresAt) : null,
    last_heartbeat_at: timestampOrNull(attempt.lastHeartbeatAt),
    run_status: state.status,
    run_closed_reason: state.closedReason,
    run_closed_at: timestampOrNull(state.closedAt),
    deadlines: isCurrent && Object.keys(deadlines).length > 0 ? deadlines : null,
    worker_session: null,
  };
  return { status: 200, body };
}

interface Verdict {
  readonly can_continue: boolean;
  readonly cancel_requested: boolean;
  readonly reason: Reason | null;
}

/** It may go on. */
export const GOES_ON: Verdict = { can_continue: true, cancel_requested: false, reason: null };

/** Why an attempt must not go on. */
export function whyNot(outcome: Closed | Overdue): Verdict {
  if (outcome.kind === "overdue")
    return { can_continue: false, cancel_requested: false, reason: dueReason(outcome.due) };
  const stopped = stoppedReason(outcome.run.state.status, outcome.attempt.status);
  return { can_continue: false, cancel_requested: stopped !== undefined, reason: stopped ?? "attempt_closed" };
}

function dueReason(due: DueAction): Reason {
  if (due.kind === "expire_lease") return "lease_expired";
  // Such a deadline never concerns an attempt that has started.
  return due.deadline === "schedule_to_start" ? "attempt_closed" : `${due.deadline}_timeout`;
}
