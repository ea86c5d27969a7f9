import { ClientError } from "../errors/client-error.js";
import type { NoAnswer } from "./connection.js";

/** What a request is about, for errors. */
export interface Subject {
  readonly url: string;
  /** As in `start`: what was asked. */
  readonly what: string;
  readonly namespace: string;
  readonly activityId?: string | undefined;
  /** Whether it changes anything. */
  readonly acts: boolean;
  shown(text: string): string;
}

/** Why there is no answer, as an error. */
export function unanswered({ why, message, cause }: NoAnswer, subject: Subject): ClientError {
  if (why === "too_large") {
    const told = `${subject.what}: the answer of ${subject.url} does not end (${message}). Is it an engine?`;
    return new ClientError("not_an_engine", told, { cause, mayHaveActed: subject.acts });
  }
  const told = `${subject.what}: the engine at ${subject.url} cannot be reached (${message}). Is it running, and is the address right?`;
  return new ClientError("unreachable", told, {
    cause,
    retryable: true,
    mayHaveActed: subject.acts && why !== "not_sent",
  });
}
