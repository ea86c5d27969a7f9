import { LEASE_GONE_REASONS } from "./constants.js";
import { isObject } from "./fields.js";
import { type HeartbeatProgress, sanitizeHeartbeatProgress } from "./heartbeat-progress.js";
import { parseTimestamp } from "./timestamps.js";

/** The body of a heartbeat, POSTed to `lease.heartbeat_endpoint`. Progress lies beside the identity, not below it. */
export interface HeartbeatRequestWire extends HeartbeatProgress {
  readonly activity_attempt_id: string;
  readonly lease_owner: string;
}

/** What the engine says to a heartbeat. */
export interface HeartbeatAnswer {
  /** False: the attempt is over for the engine, which will take no result of it. */
  readonly canContinue: boolean;
  /** True when it is over, or should be, because somebody cancelled or terminated the run. */
  readonly cancelRequested: boolean;
  /** Why it cannot go on: `attempt_closed`, `run_cancelled`, `lease_owner_mismatch`, ... */
  readonly reason: string | undefined;
  /** Until when the lease holds now. Undefined where the engine did not say. */
  readonly leaseExpiresAt: Date | undefined;
  /** Set by a sender that had to leave the progress out, as the engine would not take it. Default false. */
  readonly progressRefused?: boolean;
}

const NOT_THE_HOLDER: ReadonlySet<string> = /* @__PURE__ */ new Set(LEASE_GONE_REASONS);

/** The body of a heartbeat, its progress made to fit as by `sanitizeHeartbeatProgress`. */
export function heartbeatRequest(
  { attemptId, leaseOwner }: { readonly attemptId: string; readonly leaseOwner: string },
  progress?: HeartbeatProgress,
): HeartbeatRequestWire {
  return {
    ...sanitizeHeartbeatProgress(progress).progress,
    activity_attempt_id: attemptId,
    lease_owner: leaseOwner,
  };
}

/**
 * Reads the engine's answer to a heartbeat, which may say "stop" in a 200 (`can_continue: false`) as well as in the 404 or
 * 409 of somebody who does not hold the lease. Unknown fields are ignored, and so are known ones of another type.
 *
 * @param body parsed from JSON
 * @returns undefined for everything else: then the heartbeat was not taken, and nothing is known of the lease
 */
export function parseHeartbeatAnswer(status: number, body: unknown): HeartbeatAnswer | undefined {
  if (!isObject(body)) return undefined;
  const reason = heartbeatReason(body);
  const saysStop = body["can_continue"] === false || NOT_THE_HOLDER.has(reason ?? "");
  const refused = (status === 404 || status === 409) && saysStop;
  const canContinue = refused ? false : body["can_continue"];
  if (typeof canContinue !== "boolean" || (status !== 200 && !refused)) return undefined;
  const expiresAt = body["lease_expires_at"];
  const leaseEndsAt = typeof expiresAt === "string" ? parseTimestamp(expiresAt) : undefined;
  return {
    canContinue,
    cancelRequested: body["cancel_requested"] === true,
    reason,
    leaseExpiresAt: leaseEndsAt === undefined ? undefined : new Date(leaseEndsAt),
  };
}

/** `reason` of any answer of the engine; undefined where there is none, or it is no name that could go into a message. */
export function heartbeatReason(body: unknown): string | undefined {
  const reason = isObject(body) ? body["reason"] : undefined;
  return typeof reason === "string" && /^[a-z][a-z0-9_]{0,63}$/i.test(reason) ? reason : undefined;
}
