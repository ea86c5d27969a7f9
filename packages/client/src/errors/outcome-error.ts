import type { FailedOutcome, RemoteFailure } from "../handle.js";
import { brand, isBranded } from "./brand.js";

const BRAND = Symbol.for("durable-workflow.client.outcome-error");

const WORDS = {
  failed: "failed",
  timed_out: "timed out",
  cancelled: "was cancelled",
  terminated: "was terminated",
} as const;

/**
 * How an activity ended when it did not complete. Its own stack is that of whoever waited; the handler's is `failure.stack`,
 * and stands in `cause` for printing.
 */
export class ActivityOutcomeError extends Error {
  readonly kind: FailedOutcome["kind"];
  readonly activityId: string;
  readonly runId: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** What the last attempt said. Undefined where nothing was said, or the engine's history could not be read. */
  readonly failure: RemoteFailure | undefined;

  constructor({ kind, activityId, runId, attempts, failure }: FailedOutcome) {
    const told =
      failure === undefined ? "" : `: ${failure.type === undefined ? "" : `${failure.type}: `}${failure.message}`;
    super(`the activity ${activityId} ${WORDS[kind]}${told}`, failure && { cause: asCause(failure) });
    this.kind = kind;
    this.activityId = activityId;
    this.runId = runId;
    this.attempts = attempts;
    this.failure = failure;
    brand(this, "ActivityOutcomeError", BRAND);
  }
}

/** True for an {@link ActivityOutcomeError} of any copy of this package, which `instanceof` is not. */
export function isActivityOutcomeError(error: unknown): error is ActivityOutcomeError {
  return isBranded(error, BRAND);
}

function asCause({ type, message, stack }: RemoteFailure): Error {
  const cause = new Error(message);
  if (type !== undefined) cause.name = type;
  cause.stack = stack ?? `${cause.name}: ${message}`;
  return cause;
}
