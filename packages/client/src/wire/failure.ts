import { decodePayload } from "@durable-workflow/carrier/payload";
import { isObject, textField } from "@durable-workflow/engine-protocol";
import type { RemoteFailure } from "../handle.js";

export const NO_MESSAGE = "no reason was given";

/** The `failure` of a description. */
export function readDescribedFailure(value: unknown): RemoteFailure | undefined {
  if (!isObject(value)) return undefined;
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
  if (!isObject(details) || typeof details["blob"] !== "string") return details;
  try {
    return decodePayload(details);
  } catch {
    return details;
  }
}
