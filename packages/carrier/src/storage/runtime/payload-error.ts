import type { RuntimePayloadRefusal } from "../../protocol/runtime-payload.js";
import type { ExternalStorageFailure } from "../payload-storage.js";

/** Why the engine gave, or took, no payload. Stays inside: what comes out is a failure in the contract's terms. */
export class RuntimePayloadError extends Error {
  readonly reason: string;
  /** Whether the same request may succeed. */
  readonly retryable: boolean;

  constructor({ reason, retryable }: RuntimePayloadRefusal, message: string) {
    super(message);
    this.reason = reason;
    this.retryable = retryable;
  }
}

export function unavailable(message: string): RuntimePayloadError {
  return new RuntimePayloadError({ reason: "external_payload_unavailable", retryable: true }, message);
}

/** The failure that stands for a payload of the engine's: its type is the reason's own name, as `ExternalPayloadExpired`. */
export function runtimePayloadFailure({ reason, retryable, message }: RuntimePayloadError): ExternalStorageFailure {
  return {
    classification: retryable
      ? "application_error"
      : reason === "external_payload_integrity_mismatch"
        ? "decode_failure"
        : "unsupported_payload_reference",
    type: reason.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    message,
    retryable,
    details: { reason },
  };
}
