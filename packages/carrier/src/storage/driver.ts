/** One place that payloads can lie in. Bring your own by writing these five members. */
export interface ExternalStorageDriver {
  /** Of the URIs it writes and reads, without the colon, in lower case: `s3`, `file`. */
  readonly scheme: string;
  /** Other schemes by which the same objects are known, as `azure` for `azure-blob`. It reads them. Default none. */
  readonly aliases?: readonly string[];
  /** Whether a URI of its scheme lies within its bucket, prefix or root. Does no I/O. Default: every one does. */
  accepts?(uri: string): boolean;
  /**
   * The URI that {@link put} gives for bytes of this hash and codec; does no I/O. Whoever writes down first where something will
   * lie can remove it after a crash in between. Default: that is not known before.
   */
  uriFor?(object: Pick<PutOptions, "sha256" | "codec">): string;
  /**
   * Stores the bytes and resolves with their URI. Storing the same bytes again is no error, and gives the same URI.
   *
   * It must not resolve before the bytes are safe: a result is answered by reference after that.
   */
  put(data: Uint8Array, options: PutOptions): Promise<string>;
  /**
   * Reads an object, and stops as soon as it turns out to be larger than `sizeBytes`. Whoever calls it checks size and
   * SHA-256 of what comes back.
   *
   * @throws {ExternalStorageError} `foreign_reference`, `not_found`, `access_denied` or `unavailable`; other errors count as
   *   the last
   * @throws {ExternalPayloadIntegrityError} when it saw that the size differs
   */
  get(uri: string, options: GetOptions): Promise<Uint8Array>;
  /** Removes an object. That it is gone already is no error. */
  delete(uri: string, options?: DeleteOptions): Promise<void>;
}

/** Options of a write. */
export interface PutOptions {
  /** Of the data, in lower-case hex. */
  readonly sha256: string;
  readonly codec: string;
  /** Gives the request up when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a read. */
export interface GetOptions {
  /** How large the object is said to be. */
  readonly sizeBytes: number;
  /** Gives the request up when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a deletion. */
export interface DeleteOptions {
  /** Gives the request up when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Names an option that is no driver; undefined when it is one. */
export function driverFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "an object with scheme, put, get and delete";
  const { scheme, put, get, delete: remove } = value as Partial<Record<keyof ExternalStorageDriver, unknown>>;
  if (typeof scheme !== "string" || !/^[a-z][a-z\d+.-]*$/.test(scheme)) {
    return 'a driver whose scheme is lower-case text without a colon, such as "s3"';
  }
  const isDriver = [put, get, remove].every((method) => typeof method === "function");
  return isDriver ? undefined : "a driver with the methods put, get and delete";
}
