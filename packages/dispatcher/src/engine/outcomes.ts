import { type JsonObject, parseTimestamp } from "@durable-workflow/carrier/protocol";
import {
  isObject,
  isRegistrationGone,
  LEASE_GONE,
  type Reason,
  VERSION_REFUSED,
} from "@durable-workflow/engine-protocol";
import { excerpt } from "./recordable.js";
import type { EngineAnswer, EngineReply } from "./reply.js";
import { type ReadTask, readTask } from "./task-batches.js";

/** What an answer of the engine means for what was asked. Pure: every class of answer is told apart here. */

/** Nothing was decided: ask again later. */
export interface Unavailable {
  readonly kind: "unavailable";
  /** Short, for people; never a body. */
  readonly why: string;
  readonly status: number | null;
  readonly retryAfterMs: number | undefined;
  /** Whether the engine may have done what was asked, with the answer lost. */
  readonly mayHaveActed: boolean;
  /** Whether the engine wants the very same poll again, under the same id, however often. Default false. */
  readonly samePoll?: boolean;
  /** Whether the engine is well, and only wants to be left alone for a while: that is no failure. Default false. */
  readonly isBusy?: boolean;
}

/** The engine will not answer until something changes: credentials, namespace, version. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  readonly reason: string | null;
  readonly message: string;
}

export function unavailable(answer: EngineAnswer): Unavailable {
  if (answer.kind === "broken") {
    const { why, status, retryAfterMs } = answer;
    return { kind: "unavailable", why, status, retryAfterMs, mayHaveActed: true };
  }
  const { status, message, retryAfterMs } = answer;
  return { kind: "unavailable", why: message, status, retryAfterMs, mayHaveActed: status >= 500 };
}

export function refused({ status, reason, message }: EngineReply): Refused {
  return { kind: "refused", status, reason, message };
}

/** An answer that says nothing about the request itself: 429 and 5xx, or no answer of an engine at all. */
export function isUnavailable(answer: EngineAnswer): answer is Exclude<EngineAnswer, EngineReply> {
  return answer.kind === "broken" || answer.status === 429 || answer.status >= 500;
}

/** Whether an answer says that the engine does not count the registration any more. */
export function isMissingRegistration({ status, reason }: EngineReply): boolean {
  return status === 412 || (reason !== null && isRegistrationGone(reason));
}

/** The answer to a poll that brings one task, or several. */
export interface TasksOutcome {
  readonly kind: "tasks";
  /** The first of them is that of engines that hand out one by one. */
  readonly tasks: readonly ReadTask[];
  /** Whether the answer ended before the tasks did. */
  readonly hasMore: boolean;
  readonly body: JsonObject;
}

export type PollOutcome =
  | TasksOutcome
  | { readonly kind: "empty"; readonly pollStatus: string | null }
  /** The registration is gone, or says something else than the poll. */
  | { readonly kind: "reregister"; readonly reason: string }
  /** The engine wants this worker to stop polling. */
  | { readonly kind: "draining" }
  | Unavailable
  | Refused;

/** @param requestId of the poll that is answered */
export function readPollOutcome(namespace: string, answer: EngineAnswer, requestId = ""): PollOutcome {
  if (isUnavailable(answer)) return unavailablePoll(answer, requestId);
  const reply: EngineReply = answer;
  const { status, reason, body } = reply;
  if (status === 200) {
    const { task, poll_status: pollStatus } = body;
    if (isObject(task)) {
      const { more_tasks: more, has_more: hasMore } = body;
      const all = [task, ...(Array.isArray(more) ? more.filter(isObject) : [])];
      const tasks = all.map((each) => readTask(namespace, each));
      return { kind: "tasks", tasks, hasMore: hasMore === true, body };
    }
    if (pollStatus === "throttled" || pollStatus === "unavailable") {
      return { ...unavailable(reply), why: pollStatus, mayHaveActed: false };
    }
    const said = typeof pollStatus === "string" ? pollStatus : reason;
    if (said !== null && isRegistrationGone(said)) return { kind: "reregister", reason: said };
    if (STOP_POLLING.has(pollStatus)) return { kind: "draining" };
    return { kind: "empty", pollStatus: typeof pollStatus === "string" ? pollStatus : null };
  }
  if (isMissingRegistration(reply)) return { kind: "reregister", reason: reason ?? "worker_not_registered" };
  if (status === 409 && (STOP_POLLING.has(reason) || STOP_POLLING.has(body["poll_status"])))
    return { kind: "draining" };
  if (status === 409) return { kind: "reregister", reason: reason ?? "conflict" };
  return refused(reply);
}

/** How engines say that a worker is to stop polling. */
const STOP_POLLING: ReadonlySet<unknown> = new Set(["draining", "worker_draining", "stopped", "worker_stopped"]);

/** The reasons of a 503 that wants the same poll again: nothing was leased, or what was is handed out to the same id. */
const SAME_POLL: ReadonlySet<unknown> = new Set([
  "storage_pressure",
  "storage_admission_unavailable",
  "backend_unavailable",
] satisfies Reason[]);

function unavailablePoll(answer: EngineAnswer, requestId: string): Unavailable {
  const outcome = unavailable(answer);
  if (answer.kind === "broken") return outcome;
  const { status, reason, body } = answer;
  const { retryable, poll_request_id: echoed = null, retry_same_poll_request_id: same, task = null } = body;
  const isConsistent = task === null && (echoed === null || echoed === requestId);
  if (status === 503 && SAME_POLL.has(reason) && same === true && retryable !== false && isConsistent) {
    return { ...outcome, samePoll: true };
  }
  // Earlier servers say "unavailable" there.
  const isBusy = status === 429 && isConsistent && (answer.retryAfterMs ?? 0) >= 1_000;
  return isBusy ? { ...outcome, isBusy } : outcome;
}

/** What became of a complete or fail. */
export type ReportOutcome =
  /** `asFailure`: the engine has recorded a failure, whatever it was sent. A result that is too large for it, say. */
  | { readonly kind: "recorded"; readonly asFailure: boolean }
  /** The attempt was closed before: by an earlier try of ours (`byUs`), by somebody else, or nobody can tell (null). */
  | { readonly kind: "closed"; readonly byUs: boolean | null }
  /** The run is closed; outcomes no longer matter. */
  | { readonly kind: "ignored"; readonly reason: string }
  /** The lease is somebody else's, or the attempt unknown. */
  | { readonly kind: "lost"; readonly reason: string }
  /** The engine understood, and does not take what was sent. */
  | { readonly kind: "rejected"; readonly status: number; readonly reason: string | null; readonly message: string }
  | Unavailable
  | Refused;

/** Statuses that say: not this text, not this size. Sent again as it is, it never passes. */
const ABOUT_THE_REQUEST: ReadonlySet<number> = new Set([400, 406, 413, 414, 415, 422, 431]);

/** @param sentStatus the attempt status that the report asks for */
export function readReportOutcome(answer: EngineAnswer, sentStatus: "completed" | "failed"): ReportOutcome {
  if (answer.kind === "broken" && answer.status !== null && ABOUT_THE_REQUEST.has(answer.status)) {
    // A proxy's own page: what does not pass it now never will.
    const message = answer.status === 413 ? "a proxy finds it too large" : "a proxy does not let it pass";
    return { kind: "rejected", status: answer.status, reason: null, message };
  }
  if (isUnavailable(answer)) return unavailable(answer);
  const reply: EngineReply = answer;
  const { status, reason, message, body } = reply;
  if (status >= 200 && status < 300) {
    return { kind: "recorded", asFailure: sentStatus === "failed" || body["outcome"] === "failed" };
  }
  if (reason !== null && LEASE_GONE.has(reason)) return { kind: "lost", reason };
  if (status === 409) {
    if (body["outcome"] === "ignored") return { kind: "ignored", reason: reason ?? "ignored" };
    if (reason === "stale_attempt") return { kind: "closed", byUs: closedByUs(body["attempt_status"], sentStatus) };
    return { kind: "lost", reason: reason ?? "conflict" };
  }
  if (ABOUT_THE_REQUEST.has(status) && reason?.endsWith("_protocol_version") !== true)
    return { kind: "rejected", status, reason, message };
  return refused(reply);
}

function closedByUs(attemptStatus: unknown, sentStatus: string): boolean | null {
  return typeof attemptStatus === "string" ? attemptStatus === sentStatus : null;
}

/** What became of a task heartbeat. */
export type HeartbeatOutcome =
  | { readonly kind: "continue"; readonly leaseExpiresAtMs: number | null }
  /** The handler must stop: a 200, for all that. */
  | { readonly kind: "stop"; readonly reason: string; readonly cancelRequested: boolean; readonly runClosed: boolean }
  | { readonly kind: "lost"; readonly reason: string }
  | Unavailable
  | Refused;

export function readHeartbeatOutcome(answer: EngineAnswer): HeartbeatOutcome {
  if (isUnavailable(answer)) return unavailable(answer);
  const reply: EngineReply = answer;
  const { status, reason, body } = reply;
  if (status === 200) {
    if (body["can_continue"] === false) {
      const runClosed = typeof body["run_closed_reason"] === "string" || reason?.startsWith("run_") === true;
      return {
        kind: "stop",
        reason: reason ?? "stopped",
        cancelRequested: body["cancel_requested"] === true,
        runClosed,
      };
    }
    const expires = body["lease_expires_at"];
    return {
      kind: "continue",
      leaseExpiresAtMs: (typeof expires === "string" ? parseTimestamp(expires) : null) ?? null,
    };
  }
  if (reason !== null && LEASE_GONE.has(reason)) return { kind: "lost", reason };
  if (status === 409) return { kind: "lost", reason: reason ?? "conflict" };
  return refused(reply);
}

/**
 * What an answer to the question for the engine's version means; undefined when requests can be sent. An engine without
 * that route, or without a version there, is sent our own.
 *
 * @param version what was agreed on; undefined for nothing
 */
export function readNegotiation(answer: EngineAnswer, version: string | undefined): Unavailable | Refused | undefined {
  if (version !== undefined) return undefined;
  if (isUnavailable(answer)) return unavailable(answer);
  const reply: EngineReply = answer;
  if (reply.status === 401 || reply.status === 403) return refused(reply);
  const advertised = isObject(reply.body["worker_protocol"]) ? reply.body["worker_protocol"]["version"] : undefined;
  if (reply.status !== 200 || typeof advertised !== "string") return undefined;
  const message = `the engine speaks worker protocol ${excerpt(advertised, 20)}, which this dispatcher does not`;
  return { kind: "refused", status: 200, reason: "unsupported_protocol_version", message };
}

/** True when the engine wants another protocol version than was sent. */
export function wantsOtherVersion(outcome: { readonly kind: string; readonly reason?: string | null }): boolean {
  return outcome.kind === "refused" && VERSION_REFUSED.has(outcome.reason ?? "");
}
