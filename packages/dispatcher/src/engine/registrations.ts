import { fieldOf, HEARTBEAT_INTERVAL_SECONDS, integerField, type Reason } from "@durable-workflow/engine-protocol";
import {
  isMissingRegistration,
  isUnavailable,
  type Refused,
  refused,
  type Unavailable,
  unavailable,
} from "./outcomes.js";
import type { EngineAnswer, EngineReply } from "./reply.js";

/** What answers about registrations mean. */

export type RegisterOutcome =
  | {
      readonly kind: "registered";
      /** What ends this registration, and no later one of the same worker; null where the engine gives none. */
      readonly token: string | null;
      /** How often the engine wants to hear of it; null where it does not say. */
      readonly heartbeatMs: number | null;
    }
  | Unavailable
  | Refused;

const TOKEN = /^[a-f0-9]{32}$/;

export function readRegisterOutcome(answer: EngineAnswer, workerId: string): RegisterOutcome {
  if (isUnavailable(answer)) return unavailable(answer);
  const reply: EngineReply = answer;
  if (reply.status < 200 || reply.status >= 300) return refused(reply);
  const { registration_token: token, worker_id: registered } = reply.body;
  const isToken = typeof token === "string" && TOKEN.test(token) && registered === workerId;
  return { kind: "registered", token: isToken ? token : null, heartbeatMs: heartbeatMsOf(reply) };
}

function heartbeatMsOf({ body }: EngineReply): number | null {
  const seconds = integerField(body, "heartbeat_interval_seconds");
  const { least, most } = HEARTBEAT_INTERVAL_SECONDS;
  return seconds !== undefined && seconds >= least && seconds <= most ? seconds * 1000 : null;
}

export type WorkerHeartbeatOutcome =
  | { readonly kind: "acknowledged"; readonly heartbeatMs: number | null }
  | { readonly kind: "reregister"; readonly reason: string }
  | Unavailable
  | Refused;

export function readWorkerHeartbeatOutcome(answer: EngineAnswer): WorkerHeartbeatOutcome {
  if (isUnavailable(answer)) return unavailable(answer);
  const reply: EngineReply = answer;
  if (reply.status === 200) return { kind: "acknowledged", heartbeatMs: heartbeatMsOf(reply) };
  if (isMissingRegistration(reply)) return { kind: "reregister", reason: reply.reason ?? "worker_not_registered" };
  return refused(reply);
}

export type DeregisterOutcome =
  | { readonly kind: "deregistered" }
  /** The engine has no way to end it: it goes stale. */
  | { readonly kind: "no_route" }
  /** Whether it has ended is not known: the same request again tells. */
  | {
      readonly kind: "unknown";
      readonly why: string;
      readonly status: number | null;
      readonly retryAfterMs: number | null;
    }
  | Refused;

/** The registration was gone already. */
const NOT_FOUND = "worker_not_found" satisfies Reason;

/** The answer to a deregistration without a token. Older engines have no such route; the registration then goes stale. */
export function readDeregisterOutcome(answer: EngineAnswer): DeregisterOutcome {
  if (answer.kind === "broken") return { kind: "unknown", why: answer.why, status: answer.status, retryAfterMs: null };
  const { status, reason } = answer;
  if (status < 300 || (status === 404 && reason === NOT_FOUND)) return { kind: "deregistered" };
  return status === 405 || (status === 404 && reason === null) ? { kind: "no_route" } : refused(answer);
}

const UNKNOWN_OUTCOME: ReadonlySet<string | null> = new Set(["backend_lock_pressure", "backend_unavailable"]);

/** The answer to a deregistration by token: a receipt that names both, or a 503 that says that the same may be asked again. */
export function readFencedDeregisterOutcome(answer: EngineAnswer, workerId: string, token: string): DeregisterOutcome {
  if (answer.kind === "broken") return { kind: "unknown", why: answer.why, status: answer.status, retryAfterMs: null };
  const { body, status, reason, message } = answer;
  const isOurs = body["worker_id"] === workerId && body["registration_token"] === token;
  if (status === 200) {
    const recovered = integerField(body, "recovered_workflow_task_count") ?? -1;
    if (isOurs && body["outcome"] === "deregistered" && recovered >= 0) return { kind: "deregistered" };
    return { ...refused(answer), message: "the receipt is of another registration" };
  }
  const seconds = integerField(body, "retry_after_seconds") ?? 0;
  const mayRepeat =
    status === 503 &&
    UNKNOWN_OUTCOME.has(reason) &&
    isOurs &&
    fieldOf(body, "operation") === "deregister_worker" &&
    fieldOf(body, "outcome") === "unknown" &&
    fieldOf(body, "retryable") === true &&
    seconds >= 1 &&
    seconds <= 60;
  if (mayRepeat) return { kind: "unknown", why: message, status, retryAfterMs: seconds * 1000 };
  return refused(answer);
}
