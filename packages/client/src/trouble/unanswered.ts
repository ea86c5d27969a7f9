import { ClientError } from "../errors/client-error.js";
import type { NoAnswer } from "../wire/connection.js";
import type { Subject } from "./subject.js";

/** Why there is no answer, as an error. */
export function unanswered(no: NoAnswer, { what, url, acts, shown }: Subject): ClientError {
  const { why, cause } = no;
  const said = shown(messageOf(no));
  if (why === "too_large" && !isTimeout(no)) {
    const told = `${what}: the answer of ${url} does not end (${said}). Is it an engine?`;
    return new ClientError("not_an_engine", told, { cause, mayHaveActed: acts });
  }
  const told = `${what}: the engine at ${url} cannot be reached (${said}). Is it running, and is the address right?`;
  return new ClientError("unreachable", told, { cause, retryable: true, mayHaveActed: acts && why !== "not_sent" });
}

/** Whether a request that was sent was given up waiting for: what it asks for may be under way. */
export function isTimeout({ why, lateAfterMs }: NoAnswer): boolean {
  return lateAfterMs !== undefined && why !== "not_sent";
}

function messageOf({ why, cause, lateAfterMs }: NoAnswer): string {
  if (lateAfterMs === undefined) return cause instanceof Error ? cause.message : String(cause);
  return `no ${why === "not_sent" ? "connection" : "answer"} within ${Math.round(lateAfterMs)} ms`;
}
