import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import type { Lent, LentMemory } from "./lent-memory.js";
import { readChunks } from "./read-chunks.js";

/** Bytes that came, or why they could not be read. */
export type BoundedBytes =
  | {
      readonly bytes: Buffer;
      /** Whose memory they lie in, which whoever reads them releases; undefined where it is their own. */
      readonly lent?: Lent | undefined;
      readonly problem?: never;
    }
  | { readonly problem: Exclude<BodyProblem, "not_utf8">; readonly bytes?: never };

/** A body that came, or why it could not be read. */
export type BoundedBody =
  | { readonly text: string; readonly bytes: number; readonly problem?: never }
  | { readonly problem: BodyProblem; readonly text?: never };

export type BodyProblem =
  | "too_large" // over the limit, as sent or decompressed
  | "cut_off" // the connection ended before the body did
  | "unknown_encoding" // a Content-Encoding other than gzip, deflate and br
  | "not_decodable" // what its Content-Encoding says it is, it is not
  | "not_utf8"; // no text

const DECODERS: ReadonlyMap<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>> =
  new Map([
    ["gzip", promisify(gunzip) as never],
    ["x-gzip", promisify(gunzip) as never],
    ["deflate", promisify(inflate) as never],
    ["br", promisify(brotliDecompress) as never],
  ]);

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * Reads a response's body into memory, `limitBytes` at most: of what is sent, and of what it decompresses to. Never
 * rejects, except with the reason of an abort. Past the limit the rest is not read, and the connection is given up.
 */
export async function readBoundedBody(
  body: Readable,
  contentEncoding: string | undefined,
  limitBytes: number,
): Promise<BoundedBody> {
  const read = await readBoundedBytes(body, { contentEncoding, limitBytes });
  if (read.bytes === undefined) return read;
  try {
    return { text: decoder.decode(read.bytes), bytes: read.bytes.length };
  } catch {
    return { problem: "not_utf8" };
  }
}

export interface BytesToRead {
  readonly contentEncoding: string | undefined;
  readonly limitBytes: number;
  /** What the answer says of its length: it is read into one buffer then. */
  readonly expectedBytes?: number | undefined;
  /** Told how much has come, of what says no length. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Where what comes in several pieces is put together. Default: memory of its own. */
  readonly memory?: LentMemory | undefined;
}

/**
 * Takes what comes of a body, piece by piece, `limitBytes` at most: of what is sent, and of what it decompresses to.
 */
export class BodyCollector {
  private readonly limitBytes: number;
  private readonly decode:
    | ((bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>)
    | undefined;
  private readonly expectedBytes: number | undefined;
  private readonly onBytes: ((bytes: number) => void) | undefined;
  /** Whether it has a `Content-Encoding` that is not known here: nothing of it is to be taken. */
  readonly isUnknown: boolean;
  private readonly chunks: Uint8Array[] = [];
  private readonly memory: LentMemory | undefined;
  private lent: Lent | undefined;
  private whole: Buffer | undefined;
  private length = 0;

  constructor({ contentEncoding, limitBytes, expectedBytes, onBytes, memory }: BytesToRead) {
    const encoding = contentEncoding === undefined ? "" : contentEncoding.trim().toLowerCase();
    this.decode = encoding === "" ? undefined : DECODERS.get(encoding);
    this.isUnknown = encoding !== "" && encoding !== "identity" && this.decode === undefined;
    this.limitBytes = limitBytes;
    this.expectedBytes = this.decode === undefined ? expectedBytes : undefined;
    this.onBytes = onBytes;
    this.memory = memory;
  }

  /** @returns false past the limit: nothing more is to come */
  take(chunk: Uint8Array): boolean {
    const before = this.length;
    this.length += chunk.length;
    const { length, limitBytes, expectedBytes } = this;
    if (length > limitBytes) return false;
    if (expectedBytes === undefined || expectedBytes > limitBytes) {
      this.chunks.push(chunk);
      this.onBytes?.(length);
    } else if (this.whole !== undefined) this.whole.set(chunk, before);
    // What comes in one piece is not copied.
    else if (length === expectedBytes) this.chunks.push(chunk);
    else {
      this.lent = this.memory?.lend(expectedBytes);
      // Pages are taken as they are written to: a length that is only said costs nothing.
      this.whole = this.lent?.bytes ?? Buffer.allocUnsafeSlow(expectedBytes);
      this.whole.set(chunk);
    }
    return true;
  }

  /** What has come, once all has; a promise where it is to be decompressed. HTTP itself sees to it that as much came as was said. */
  end(): BoundedBytes | Promise<BoundedBytes> {
    const { whole, lent, chunks, decode } = this;
    const [first] = chunks;
    const bytes = whole ?? (first !== undefined && chunks.length === 1 ? bufferOf(first) : Buffer.concat(chunks));
    return decode === undefined ? { bytes, lent } : this.decoded(decode(bytes, { maxOutputLength: this.limitBytes }));
  }

  private async decoded(decoding: Promise<Uint8Array>): Promise<BoundedBytes> {
    try {
      return { bytes: bufferOf(await decoding) };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      return { problem: code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "not_decodable" };
    }
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** As {@link readBoundedBody}, without a look at what it is. */
async function readBoundedBytes(body: Readable, toRead: BytesToRead): Promise<BoundedBytes> {
  const collector = new BodyCollector(toRead);
  if (collector.isUnknown) {
    body.on("error", () => undefined).destroy();
    return { problem: "unknown_encoding" };
  }
  try {
    const isAll = await readChunks(body, (chunk) => collector.take(chunk));
    if (!isAll) return { problem: "too_large" };
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    return { problem: "cut_off" };
  }
  return collector.end();
}

/** The value of a header that may have been sent more than once: the first counts. */
export function headerOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
