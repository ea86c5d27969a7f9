import { decodePayload } from "../payload/envelope.js";
import type { AvroValue } from "../payload/value.js";
import type { ExternalTaskResult, ResultFailure } from "../protocol/task-result.js";

/** What a failed task's result says. */
export interface TaskFailureReport extends Omit<ResultFailure, "details"> {
  readonly retryable: boolean;
  /** Decoded; undefined for none. */
  readonly details: AvroValue | undefined;
}

/** A task failed where a value was asked for. */
export class ActivityTaskFailed extends Error {
  override readonly name = "ActivityTaskFailed";
  readonly failure: TaskFailureReport;

  constructor(failure: TaskFailureReport) {
    super(`${failure.type ?? failure.classification}: ${failure.message}`);
    this.failure = failure;
  }
}

/**
 * The decoded return value that a result carries; null where it carries none.
 *
 * @throws {ActivityTaskFailed} when the task failed
 * @throws {PayloadError} when the payload does not decode, or is held in external storage
 */
export function valueOf(result: ExternalTaskResult): AvroValue {
  if (result.kind !== "success") throw new ActivityTaskFailed(failureOf(result));
  return result.payload === null ? null : decodePayload(result.payload);
}

/**
 * What a failed task's result says, with its details decoded.
 *
 * @throws {Error} when the task succeeded
 */
export function failureOf(result: ExternalTaskResult): TaskFailureReport {
  if (result.kind === "success") throw new Error("the task succeeded: it has a value and no failure");
  const { details, ...failure } = result.failure;
  return { ...failure, retryable: result.retryable, details: details === null ? undefined : decodePayload(details) };
}
