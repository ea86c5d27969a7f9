import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { LONGEST_LEASE_SECONDS } from "@durable-workflow/engine-protocol";
import { exactTimestamp, type LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { type HeartbeatOutcome, readHeartbeatOutcome } from "./outcomes.js";
import type { EngineAnswer } from "./reply.js";

/** How long a lease lasts, told by an answer that names the engine's own time; independent of what any clock shows. */
export interface LeaseGrant {
  /** Milliseconds from {@link countsFrom} on. */
  readonly leaseMs: number;
  /** Milliseconds until the work must be over; infinite for never. */
  readonly closesInMs: number;
  /** A moment of this machine's monotonic clock. */
  readonly countsFrom: number;
  /** As the answer says both, in milliseconds of the engine's clock. */
  readonly serverTimeMs: number;
  readonly expiresAtMs: number;
}

/** The grant that an answer holds; undefined where its times are not exact, or make no sense. */
export function readLeaseGrant(
  body: JsonObject,
  leaseExpiresAt: unknown,
  closesAtMs: number | null,
  countsFrom: number,
): LeaseGrant | undefined {
  const serverTimeMs = exactTimestamp(body["server_time"]);
  const expiresAtMs = exactTimestamp(leaseExpiresAt);
  if (serverTimeMs === undefined || expiresAtMs === undefined) return undefined;
  const leaseMs = expiresAtMs - serverTimeMs;
  if (leaseMs <= 0 || leaseMs > LONGEST_LEASE_SECONDS * 1000) return undefined;
  const closesInMs = closesAtMs === null ? Number.POSITIVE_INFINITY : closesAtMs - serverTimeMs;
  return { leaseMs, closesInMs, countsFrom, serverTimeMs, expiresAtMs };
}

/** What became of a renewal: as of a heartbeat, but that a lease goes on by its grant. */
export type RenewalOutcome =
  | { readonly kind: "renewed"; readonly grant: LeaseGrant }
  | Exclude<HeartbeatOutcome, { readonly kind: "continue" }>;

/** @param sentAt when the renewal was sent: its grant counts from then on, however long the answer took */
export function readRenewalOutcome(
  answer: EngineAnswer,
  task: LeasedTask,
  last: LeaseGrant,
  sentAt: number,
): RenewalOutcome {
  const outcome = readHeartbeatOutcome(answer);
  if (answer.kind === "broken" || outcome.kind !== "continue") return endOf(outcome, answer);
  const { body } = answer;
  const grant = readLeaseGrant(body, body["lease_expires_at"], task.closesAtMs, sentAt);
  if (grant === undefined || !isFor(body, task) || body["lease_renewed"] !== true || body["can_continue"] !== true) {
    return { kind: "lost", reason: "renewal_not_understood" };
  }
  // An answer from before the last one grants nothing, and neither does one that takes time away.
  if (grant.serverTimeMs < last.serverTimeMs || grant.expiresAtMs < last.expiresAtMs) {
    return { kind: "lost", reason: "renewal_out_of_order" };
  }
  return { kind: "renewed", grant };
}

/** A refusal may tell of the end of the run, as a heartbeat's 200 does: then the handler is to stop, and is not just lost. */
function endOf(outcome: HeartbeatOutcome, answer: EngineAnswer): Exclude<HeartbeatOutcome, { kind: "continue" }> {
  if (outcome.kind === "continue") return { kind: "lost", reason: "renewal_not_understood" };
  if (outcome.kind !== "lost" || answer.kind === "broken" || answer.body["can_continue"] !== false) return outcome;
  const runClosed = outcome.reason.startsWith("run_");
  const cancelRequested = answer.body["cancel_requested"] === true;
  return runClosed || cancelRequested ? { kind: "stop", reason: outcome.reason, cancelRequested, runClosed } : outcome;
}

function isFor(
  body: JsonObject,
  { taskId, attemptId, leaseOwner, executionId, attempt, workflowId, runId }: LeasedTask,
): boolean {
  return (
    body["workflow_task_id"] === taskId &&
    (body["task_id"] === undefined || body["task_id"] === taskId) &&
    body["activity_attempt_id"] === attemptId &&
    body["lease_owner"] === leaseOwner &&
    body["attempt_number"] === attempt &&
    body["workflow_instance_id"] === workflowId &&
    body["workflow_run_id"] === runId &&
    (executionId === null || body["activity_execution_id"] === executionId)
  );
}
