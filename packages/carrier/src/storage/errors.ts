import { brand, brandOf } from "../protocol/brand.js";

/** Why external storage gave, or took, no payload. */
export type ExternalStorageErrorCode =
  | "no_driver" // no driver takes the reference's scheme
  | "foreign_reference" // another bucket, container, prefix or root, or a key with empty, `.` or `..` segments
  | "expired_reference" // the reference says not to read it any more
  | "oversized_reference" // larger than this carrier is willing to load
  | "not_found" // the store has no such object
  | "access_denied" // the store does not accept the credentials, or they may not do this
  | "unavailable"; // the store could not be reached, or failed

const RETRYABLE: ReadonlySet<ExternalStorageErrorCode> = new Set(["not_found", "access_denied", "unavailable"]);

/**
 * A payload could not be brought to or from external storage. The message holds no URI, no path and no credentials, and
 * there is no `cause`: errors of storage clients show signed addresses.
 */
export class ExternalStorageError extends Error {
  override readonly name = "ExternalStorageError";
  readonly code: ExternalStorageErrorCode;

  constructor(code: ExternalStorageErrorCode, message: string) {
    super(message);
    brand(this, "ExternalStorageError");
    this.code = code;
  }

  /** Whether trying again later may help. A missing object counts: stores replicate, and disks get mounted. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}

/** The stored bytes are not the ones that the reference speaks of. They were not decoded, and are not kept. */
export class ExternalPayloadIntegrityError extends Error {
  override readonly name = "ExternalPayloadIntegrityError";
  /** What did not fit: the size is checked first. */
  readonly check: "size" | "sha256";
  /** What the reference says. */
  readonly expected: string;
  /** What was found; of a size that is known only to be larger, `more`. */
  readonly received: string;

  constructor(check: "size" | "sha256", expected: string, received: string) {
    const what = check === "size" ? "size in bytes" : "SHA-256";
    super(`The stored payload is not the one referred to: its ${what} is ${received}, not ${expected}.`);
    brand(this, "ExternalPayloadIntegrityError");
    this.check = check;
    this.expected = expected;
    this.received = received;
  }
}

/** True for an {@link ExternalStorageError} of any copy of this library. */
export function isExternalStorageError(error: unknown): error is ExternalStorageError {
  return brandOf(error) === "ExternalStorageError";
}

/** True for an {@link ExternalPayloadIntegrityError} of any copy of this library. */
export function isExternalPayloadIntegrityError(error: unknown): error is ExternalPayloadIntegrityError {
  return brandOf(error) === "ExternalPayloadIntegrityError";
}
