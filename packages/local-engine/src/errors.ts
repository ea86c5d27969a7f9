const BRAND = Symbol.for("durable-workflow.local-engine.error");

/** Why an engine could not do something, for programs. */
export type LocalEngineErrorCode =
  | "file_in_use" // another engine has the file open
  | "file_unusable" // it cannot be opened: no such folder, no permission, no database
  | "disk_full" // there is no room to open, close or copy it
  | "file_exists" // a backup would overwrite it
  | "file_corrupt" // its integrity check failed
  | "newer_schema" // a newer version of this package wrote it
  | "no_sqlite" // this Node has no SQLite, and libsql, which an optional dependency brings, is not installed
  | "address_refused" // an address that is not loopback, and no tokens
  | "closed"; // the engine was closed

/** Why an engine did not start, or does not serve. Matched by {@link isLocalEngineError}, not by `instanceof`. */
export class LocalEngineError extends Error {
  readonly code: LocalEngineErrorCode;

  constructor(code: LocalEngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LocalEngineError";
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Also true for errors of another copy of this package. */
export function isLocalEngineError(error: unknown): error is LocalEngineError {
  return typeof error === "object" && error !== null && BRAND in error;
}
