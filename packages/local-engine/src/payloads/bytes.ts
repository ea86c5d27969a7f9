/** Where the bytes of payloads are kept, whatever it is: files, memory, or a storage driver. */
export interface PayloadBytes {
  /**
   * Where a payload's bytes will lie, to be written down before they are kept; undefined where what a process that was killed
   * has left behind is found in another way, or cannot be.
   */
  placeFor?(payload: KeptBytes): string | undefined;
  /** Takes bytes of a payload of that size. Waits until there is room for them in memory, where that is what limits. */
  begin(sizeBytes: number, signal: AbortSignal): Promise<PayloadSink>;
  /**
   * Opens what was kept.
   *
   * @throws {PayloadBytesError} (as a rejection)
   */
  open(location: string, payload: KeptBytes): Promise<OpenBytes>;
  /**
   * Whether bytes of that size are there. Cheap: nothing is read.
   *
   * @throws {PayloadBytesError} (as a rejection) `unavailable`
   */
  has(location: string, payload: KeptBytes): Promise<boolean>;
  /** Removes what was kept. That it is gone already is no error. */
  remove(location: string): Promise<void>;
  /** Whether a place is one of this kind. */
  owns(location: string): boolean;
  /** What was kept there is written down. Until then nothing tidies it away. */
  settled?(location: string): void;
}

export interface KeptBytes {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly codec: string;
}

export interface PayloadSink {
  /** Undefined where it need not be waited for. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Makes durable what was written, and says where it is. */
  keep(payload: KeptBytes): Promise<string>;
  /** Forgets what was written. To be called in any case but after {@link keep}; never throws. */
  discard(): Promise<void>;
}

/** What can be read, more than once, until it is closed. */
export interface OpenBytes {
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export type PayloadBytesFault =
  | "missing" // they are not there
  | "damaged" // they are not those that were kept
  | "unavailable"; // the storage cannot be read or written now

/** Why bytes cannot be had. */
export class PayloadBytesError extends Error {
  readonly fault: PayloadBytesFault;

  constructor(fault: PayloadBytesFault, cause: unknown) {
    super(`The payload's bytes are ${fault}.`, { cause });
    this.name = "PayloadBytesError";
    this.fault = fault;
  }
}

export function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}
