import { isExternalPayloadReferenceError } from "../protocol/errors.js";
import { ExternalStorageError, isExternalPayloadIntegrityError, isExternalStorageError } from "./errors.js";

export type StorageOperation = "put" | "get" | "delete";

/** What a storage client's error says, of what can be shown to anybody. */
export interface Fault {
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** The provider's or platform's own word for it: `NoSuchKey`, `ECONNREFUSED`; undefined for none. */
  readonly code: string | undefined;
}

/**
 * Reads an error of any storage client. The official SDKs differ in where the status is: `$metadata.httpStatusCode` for
 * S3, `statusCode` for Azure, a number in `code` for Google. Messages are left out: they quote addresses.
 */
export function faultOf(error: unknown): Fault {
  const { code, name, statusCode, status, $metadata } = fieldsOf(error);
  const codes = [fieldsOf($metadata)["httpStatusCode"], statusCode, status, code];
  return {
    status: codes.map(Number).find((number) => Number.isInteger(number) && number >= 100 && number < 600),
    code: wordOf(code) ?? wordOf(fieldsOf(fieldsOf(error)["cause"])["code"]) ?? wordOf(name),
  };
}

/** The error that a failed call to storage is reported as. */
export function storageError(error: unknown, operation: StorageOperation): Error {
  if (isExternalStorageError(error) || isExternalPayloadIntegrityError(error)) return error;
  if (isExternalPayloadReferenceError(error)) return error;
  const { status, code } = faultOf(error);
  if (operation === "get" && (status === 404 || code === "ENOENT" || code === "ENOTDIR")) {
    return new ExternalStorageError("not_found", `The stored payload is not there${shown(status, code)}.`);
  }
  if (status === 401 || status === 403 || code === "EACCES" || code === "EPERM") {
    return new ExternalStorageError("access_denied", `External storage denied the ${operation}${shown(status, code)}.`);
  }
  return new ExternalStorageError("unavailable", `External storage failed to ${operation}${shown(status, code)}.`);
}

function shown(status: number | undefined, code: string | undefined): string {
  const said = [status, code].filter((part) => part !== undefined);
  return said.length === 0 ? "" : ` (${said.join(" ")})`;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A short plain word, which no address or secret is. `Error` says nothing. */
function wordOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z][\w]{2,48}$/.test(value) && value !== "Error" ? value : undefined;
}
