import type { FailureReport } from "@durable-workflow/engine-protocol/worker";
import type { PayloadRefused } from "./exchange.js";

/** Which payload of a task is meant. */
export type PayloadRole = "arguments" | "result";

const BROKEN: ReadonlySet<string> = new Set(["external_payload_integrity_mismatch"]);

/**
 * The failure that stands for a payload that cannot be had, or cannot be kept: final, since running the handler again gives
 * nothing else. Its type is the reason's own name, as `ExternalPayloadNotFound`.
 */
export function payloadFailure(role: PayloadRole, { reason, message }: PayloadRefused): FailureReport {
  const what = role === "arguments" ? "arguments could not be fetched" : "result could not be uploaded";
  return {
    message: `The activity's ${what} (${reason}): ${message}.`,
    type: typeOf(reason),
    kind: role === "arguments" && BROKEN.has(reason) ? "decode_failure" : "unsupported_payload",
    cancelled: false,
    malformed_output: false,
    retryable: false,
    non_retryable: true,
    details: null,
  };
}

/** `external_payload_not_found` as `ExternalPayloadNotFound`. */
function typeOf(reason: string): string {
  return /^[a-z]+(?:_[a-z]+)+$/.test(reason)
    ? reason.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
    : "ExternalPayloadUnsupported";
}
