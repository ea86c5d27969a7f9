import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";

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
  // Giving a body up is an error to it, which nobody else waits for.
  body.on("error", () => undefined);
  const encoding = (contentEncoding ?? "identity").trim().toLowerCase();
  const decode = DECODERS.get(encoding);
  if (encoding !== "identity" && encoding !== "" && decode === undefined) {
    body.destroy();
    return { problem: "unknown_encoding" };
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > limitBytes) {
        body.destroy();
        return { problem: "too_large" };
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    return { problem: "cut_off" };
  }
  let bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  if (decode !== undefined) {
    try {
      bytes = await decode(bytes, { maxOutputLength: limitBytes });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      return { problem: code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "not_decodable" };
    }
  }
  try {
    return { text: decoder.decode(bytes), bytes: bytes.length };
  } catch {
    return { problem: "not_utf8" };
  }
}

/** The value of a header that may have been sent more than once: the first counts. */
export function headerOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
