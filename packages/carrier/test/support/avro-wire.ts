import { type AvroCodec, createAvroCodec, type DecodeAvroOptions } from "../../src/payload/codec.js";
import { isPayloadError, type PayloadError } from "../../src/payload/errors.js";
import { bufferBytes } from "../../src/payload/platform/buffer.js";
import { portableBytes } from "../../src/payload/platform/portable.js";
import { type AvroValue, isAvroDouble } from "../../src/payload/value.js";

if (bufferBytes === undefined) throw new Error("Tests run on Node, which has Buffer");

/** Both ways to handle bytes, by name. */
export const PLATFORMS = [
  ["Buffer", bufferBytes],
  ["the language only", portableBytes],
] as const;

/** A codec of each; they keep their memory from test to test, as they do in use. */
export const CODECS = [
  ["Buffer", createAvroCodec(bufferBytes)],
  ["the language only", createAvroCodec(portableBytes)],
] as const;

/** The error of a call that must be refused. Anything else it throws is thrown. */
export function refusalOf(run: () => unknown): PayloadError {
  let value: unknown;
  try {
    value = run();
  } catch (error) {
    if (isPayloadError(error)) return error;
    throw error;
  }
  throw new Error(`Not refused: ${typeof value}`);
}

/** What a decode makes of a blob, to be compared: its value, or its refusal. */
export function outcomeOf(codec: AvroCodec, blob: string, options?: DecodeAvroOptions): object {
  try {
    return { value: codec.decode(blob, options) };
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** Random integers from 0 to below `limit`, the same in every run. */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

// A writer of payloads that no encoder writes

/** C3 01 and the fingerprint of the schema. */
export const HEADER = new Uint8Array([0xc3, 0x01, 0xe2, 0xa3, 0x3d, 0xff, 0x55, 0x80, 0x22, 0x37]);

/** The kinds as they stand in a datum: the branches of the union, as zigzag varints. */
export const Branch = { Null: 0, Boolean: 2, Long: 4, Double: 6, Bytes: 8, String: 10, Array: 12, Map: 14 } as const;

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

type Bytes = readonly number[];

/** A blob of any bytes, in the base64 of Node. */
export function blobOf(...parts: readonly Iterable<number>[]): string {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part))).toString("base64");
}

/** A blob of the frame's header and these bytes. */
export function framed(...parts: readonly Iterable<number>[]): string {
  return blobOf(HEADER, ...parts);
}

/** The datum of a blob, without the frame. */
export function datumOf(blob: string): Buffer {
  return Buffer.from(blob, "base64").subarray(HEADER.length);
}

/** A zigzag varint; in more bytes than it needs where `padding` is not 0. */
export function varint(value: number | bigint, padding = 0): Bytes {
  const signed = BigInt(value);
  let rest = signed < 0n ? -2n * signed - 1n : 2n * signed;
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let index = 0; index < padding; index++) bytes.push(0x80);
  bytes.push(bytes.pop()! & 0x7f);
  return bytes;
}

/** A length, and bytes or text. */
export function sized(content: string | Iterable<number>): Bytes {
  const bytes = Buffer.from(typeof content === "string" ? content : [...content]);
  return [...varint(bytes.length), ...bytes];
}

interface BlockOptions {
  /** Items in one block. */
  readonly blockSize: number;
  /** Which blocks have a negative count and their size in bytes. */
  readonly withSize: "none" | "every second" | "all";
}

/** A datum with arrays and maps in blocks of choice. */
export function datumInBlocks(value: AvroValue, options: BlockOptions): Bytes {
  if (value === null) return [Branch.Null];
  if (typeof value === "boolean") return [Branch.Boolean, value ? 1 : 0];
  if (typeof value === "string") return [Branch.String, ...sized(value)];
  if (typeof value === "bigint") return [Branch.Long, ...varint(value)];
  if (typeof value === "number") throw new Error("A number has no kind of its own");
  if (value instanceof Uint8Array) return [Branch.Bytes, ...sized(value)];
  if (isAvroDouble(value)) return [Branch.Double, ...new Uint8Array(new Float64Array([value.value]).buffer)];
  if (Array.isArray(value)) {
    const items = value.map((item) => datumInBlocks(item, options));
    return [Branch.Array, ...blocks(items, options)];
  }
  const entries = Object.entries(value).map(([key, item]) => sized(key).concat(datumInBlocks(item, options)));
  return [Branch.Map, ...blocks(entries, options)];
}

function blocks(items: readonly Bytes[], { blockSize, withSize }: BlockOptions): Bytes {
  const written: number[] = [];
  for (let first = 0; first < items.length; first += blockSize) {
    const block = items.slice(first, first + blockSize);
    const content = block.flat();
    const isSized = withSize === "all" || (withSize === "every second" && (first / blockSize) % 2 === 1);
    const head = isSized ? [...varint(-block.length), ...varint(content.length)] : varint(block.length);
    written.push(...head, ...content);
  }
  return [...written, 0];
}
