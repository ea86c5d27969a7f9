import type { FailureClassification } from "../protocol/constants.js";
import { isExternalPayloadReferenceError } from "../protocol/errors.js";
import {
  type ExternalStorageError,
  type ExternalStorageErrorCode,
  isExternalPayloadIntegrityError,
  isExternalStorageError,
} from "./errors.js";

/** What a failed transfer is in the contract's terms. */
export interface ExternalStorageFailure {
  readonly classification: Extract<
    FailureClassification,
    "unsupported_payload_reference" | "decode_failure" | "application_error"
  >;
  /** `failure.type`, which retry policies list. */
  readonly type: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number>>;
}

const TYPES = {
  no_driver: "UnsupportedPayloadReference",
  foreign_reference: "UnsupportedPayloadReference",
  expired_reference: "UnsupportedPayloadReference",
  oversized_reference: "UnsupportedPayloadReference",
  not_found: "ExternalPayloadNotFound",
  access_denied: "ExternalStorageAccessDenied",
  unavailable: "ExternalStorageUnavailable",
} as const satisfies Record<ExternalStorageErrorCode, string>;

/**
 * Reads an error of `inlinePayload`, `offloadPayload` and the functions below them, of any copy of this library. Undefined
 * for what is none of theirs: a `PayloadError`, or the reason of an aborted signal.
 */
export function externalStorageFailure(error: unknown): ExternalStorageFailure | undefined {
  if (isExternalStorageError(error)) return storageFailure(error);
  if (isExternalPayloadIntegrityError(error)) {
    const { check, expected, received, message } = error;
    const details = { check, expected, received };
    return { classification: "decode_failure", type: error.name, message, retryable: false, details };
  }
  if (isExternalPayloadReferenceError(error)) {
    const details = { reason: "invalid_reference", field: error.path };
    return unsupported(`The reference to the stored payload is not valid: ${error.message}.`, details);
  }
  return undefined;
}

function storageFailure(error: ExternalStorageError): ExternalStorageFailure {
  const { code, message, retryable } = error;
  const details = { reason: code };
  if (!retryable) return unsupported(message, details);
  return { classification: "application_error", type: TYPES[code], message, retryable, details };
}

function unsupported(message: string, details: ExternalStorageFailure["details"]): ExternalStorageFailure {
  const type = "UnsupportedPayloadReference";
  return { classification: "unsupported_payload_reference", type, message, retryable: false, details };
}
