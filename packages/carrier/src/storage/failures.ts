import { isExternalPayloadReferenceError } from "../protocol/errors.js";
import {
  type ExternalStorageError,
  type ExternalStorageErrorCode,
  isExternalPayloadIntegrityError,
  isExternalStorageError,
} from "./errors.js";
import type { ExternalStorageFailure } from "./payload-storage.js";

const UNSUPPORTED = "UnsupportedPayloadReference";

const TYPES: ReadonlyMap<ExternalStorageErrorCode, string> = new Map([
  ["not_found", "ExternalPayloadNotFound"],
  ["access_denied", "ExternalStorageAccessDenied"],
  ["unavailable", "ExternalStorageUnavailable"],
]);

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
    return {
      classification: "unsupported_payload_reference",
      type: UNSUPPORTED,
      message: `The reference to the stored payload is not valid: ${error.message}.`,
      retryable: false,
      details: { reason: "invalid_reference", field: error.path },
    };
  }
  return undefined;
}

function storageFailure({ code, message, retryable }: ExternalStorageError): ExternalStorageFailure {
  const classification = retryable ? "application_error" : "unsupported_payload_reference";
  return { classification, type: TYPES.get(code) ?? UNSUPPORTED, message, retryable, details: { reason: code } };
}
