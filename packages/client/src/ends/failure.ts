import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { textField } from "@durable-workflow/engine-protocol";
import type { RemoteFailure } from "../handle.js";
import { decodeInline } from "../wire/description.js";

export const NO_MESSAGE = "no reason was given";

/** The `failure` of a description. */
export function readDescribedFailure(value: JsonObject): RemoteFailure {
  return {
    type: textField(value, "type"),
    message: textField(value, "message") ?? NO_MESSAGE,
    stack: textField(value, "stack_trace"),
    details: decodedDetails(value["details"]),
    nonRetryable: value["non_retryable"] === true,
    timeoutType: textField(value, "timeout_type"),
  };
}

/** Details as a value; as they came where they are none that can be read here. */
export function decodedDetails(details: unknown): unknown {
  if (details === null || details === undefined) return undefined;
  try {
    return decodeInline(details);
  } catch {
    return details;
  }
}
