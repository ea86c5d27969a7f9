import { promisify } from "node:util";
import { brotliDecompress, gunzip, type InputType, inflate, type ZlibOptions } from "node:zlib";

type Unpack = (packed: InputType, options: ZlibOptions) => Promise<Buffer>;

const UNPACK: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ["gzip", promisify(gunzip) as Unpack],
  ["x-gzip", promisify(gunzip) as Unpack],
  ["deflate", promisify(inflate) as Unpack],
  ["br", promisify(brotliDecompress) as Unpack],
]);

/**
 * The bytes of a body whose `content-encoding` is this one; nobody asked for one, but proxies pack all the same.
 *
 * @throws {Error} with a `code` that says what is wrong: an unknown encoding, a broken body, more bytes than the limit
 */
export async function unpacked(packed: Uint8Array, encoding: string, limitBytes: number): Promise<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return packed;
  const unpack = UNPACK.get(name);
  if (unpack === undefined) throw Object.assign(new Error("unknown encoding"), { code: `packed as ${name}` });
  return unpack(packed, { maxOutputLength: limitBytes });
}

/** Whether unpacking ended at the limit. */
export function isBomb(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "ERR_BUFFER_TOO_LARGE" || code === "ERR_BROTLI_TOO_LARGE";
}
