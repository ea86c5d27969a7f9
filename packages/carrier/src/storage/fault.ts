import { isExternalPayloadReferenceError } from "../protocol/errors.js";
import { recordableText } from "../protocol/recordable-text.js";
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
 * S3, `statusCode` for Azure, a number in `code` for Google. Messages are looked at only where there is nothing better:
 * they quote addresses.
 */
export function faultOf(error: unknown): Fault {
  const { code, name, statusCode, status, $metadata, cause, errors } = fieldsOf(error);
  const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
  const codes = [fieldsOf($metadata)["httpStatusCode"], statusCode, status, code];
  return {
    status: codes.map(Number).find((number) => Number.isInteger(number) && number >= 100 && number < 600),
    code: [code, fieldsOf(first)["reason"], fieldsOf(cause)["code"], name].find(isWord),
  };
}

/** The error that a failed call to storage is reported as. */
export function storageError(error: unknown, operation: StorageOperation): Error {
  if (isExternalStorageError(error) || isExternalPayloadIntegrityError(error)) return error;
  if (isExternalPayloadReferenceError(error)) return error;
  const { status, code } = faultOf(error);
  const shown = ` (${status === undefined ? (code ?? plainWords(fieldsOf(error)["message"])) : [status, code].join(" ").trim()})`;
  if (operation === "get" && (status === 404 || code === "ENOENT" || code === "ENOTDIR")) {
    return new ExternalStorageError("not_found", `The stored payload is not there${shown}.`);
  }
  if (status === 401 || status === 403 || code === "EACCES" || code === "EPERM") {
    return new ExternalStorageError("access_denied", `External storage denied the ${operation}${shown}.`);
  }
  return new ExternalStorageError("unavailable", `External storage failed to ${operation}${shown}.`);
}

/** A message without what may be an address, a path, an assignment, an account or a key. */
function plainWords(message: unknown): string {
  const words = typeof message === "string" ? message : "an error without a message";
  const plain = words.replaceAll(/\S*[/\\@=]\S*|\S{20,}/g, "...");
  return plain.length > 160 ? `${recordableText(plain, 160)}...` : recordableText(plain);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A short plain word, which no address or secret is. `Error` says nothing. */
function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z]\w{2,48}$/.test(value) && value !== "Error";
}
