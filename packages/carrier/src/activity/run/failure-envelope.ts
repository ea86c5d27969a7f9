import { brand } from "../../protocol/brand.js";
import { recordableName } from "../../protocol/recordable-name.js";
import { isVisibleText, recordableText } from "../../protocol/recordable-text.js";
import type { FailureResultEnvelope } from "../../protocol/wire.js";
import { clip, LONGEST_MESSAGE } from "../clip.js";
import type { ResultHead } from "./envelopes.js";
import { KIND_OF, type TaskFailure } from "./failures.js";

export function failureEnvelope(
  { schema, version, task, metadata }: ResultHead,
  failure: TaskFailure,
): FailureResultEnvelope {
  const { classification } = failure;
  const result: FailureResultEnvelope = {
    schema,
    version,
    outcome: { status: "failed", retryable: failure.retryable, recorded: true },
    task,
    failure: {
      kind: KIND_OF[classification],
      classification,
      ...recordableWords(failure),
      timeout_type: classification === "deadline_exceeded" ? classification : null,
      cancelled: classification === "cancelled",
      details: failure.encodedDetails ?? null,
    },
    metadata,
  };
  if (failure.crowded === true) brand(result, "CarrierOverloaded");
  return result;
}

/**
 * The one place where a failure's texts go onto the wire, wherever they are from: no engine refuses them, so that what
 * ended is recorded.
 */
function recordableWords({ message, type, stack }: TaskFailure) {
  const name = type === null ? null : recordableName(type);
  return {
    message: isVisibleText(message)
      ? clip(message, LONGEST_MESSAGE)
      : `${name ?? "The activity"} failed without a message.`,
    type: name,
    stack_trace: typeof stack === "string" ? recordableText(stack) : null,
  };
}
