import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { readChunks } from "./read-chunks.js";

/** Bytes that came, or why they could not be read. */
export type BoundedBytes =
  | { readonly bytes: Buffer; readonly problem?: never }
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
}

/** As {@link readBoundedBody}, without a look at what it is. */
export async function readBoundedBytes(
  body: Readable,
  { contentEncoding, limitBytes, expectedBytes, onBytes }: BytesToRead,
): Promise<BoundedBytes> {
  const encoding = (contentEncoding ?? "identity").trim().toLowerCase();
  const decode = DECODERS.get(encoding);
  if (encoding !== "identity" && encoding !== "" && decode === undefined) {
    body.on("error", () => undefined).destroy();
    return { problem: "unknown_encoding" };
  }
  const isWhole = decode === undefined && expectedBytes !== undefined && expectedBytes <= limitBytes;
  // Pages are taken as they are written to: a length that is only said costs nothing.
  const whole = isWhole ? Buffer.allocUnsafeSlow(expectedBytes) : undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const isAll = await readChunks(body, (chunk) => {
      length += chunk.length;
      if (length > limitBytes) return false;
      if (whole === undefined) {
        chunks.push(chunk);
        onBytes?.(length);
      } else whole.set(chunk, length - chunk.length);
      return true;
    });
    if (!isAll) return { problem: "too_large" };
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    return { problem: "cut_off" };
  }
  // HTTP itself sees to it that as much came as was said.
  let bytes: Uint8Array = whole ?? (chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
  if (decode !== undefined) {
    try {
      bytes = await decode(bytes, { maxOutputLength: limitBytes });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      return { problem: code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "not_decodable" };
    }
  }
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** The value of a header that may have been sent more than once: the first counts. */
export function headerOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
