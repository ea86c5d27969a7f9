import type { FailureResultEnvelope, InvocableResultEnvelope } from "../../protocol/wire.js";
import { type Encode, lostDetails } from "./details.js";

/**
 * What is answered in the place of a result that a platform cannot carry: a failure that says so, and is not retried; a
 * failure keeps its words, and loses its details and its stack trace.
 *
 * @param tooLarge what was too large for what, as a sentence
 */
export function withoutOversized(
  result: InvocableResultEnvelope,
  tooLarge: string,
  encode: Encode,
): FailureResultEnvelope {
  if ("failure" in result) {
    const { failure } = result;
    const details = failure.details === null ? null : lostDetails(tooLarge, encode);
    return { ...result, failure: { ...failure, stack_trace: null, details } };
  }
  const { schema, version, task, metadata } = result;
  return {
    schema,
    version,
    outcome: { status: "failed", retryable: false, recorded: true },
    task,
    failure: {
      kind: "application",
      classification: "application_error",
      message: tooLarge,
      type: "ResultTooLarge",
      stack_trace: null,
      timeout_type: null,
      cancelled: false,
      details: null,
    },
    metadata,
  };
}
