import { type BytePlatform, base64ByteLength } from "./bytes.js";
import { PayloadError } from "./errors.js";
import { createKeyCache } from "./key-cache.js";
import { readShortAscii, SHORT_TEXT } from "./short-ascii.js";
import { type AvroDouble, type AvroValue, defineOwn, isInheritedName, MAX_DEPTH } from "./value.js";
import {
  ARRAY_BRANCH,
  BOOLEAN_BRANCH,
  BYTES_BRANCH,
  DOUBLE_BRANCH,
  HEADER,
  KEPT_SCRATCH_BYTES,
  LONG_BRANCH,
  MAP_BRANCH,
  MARKER_LENGTH,
  NULL_BRANCH,
  STRING_BRANCH,
  viewOf,
} from "./wire-format.js";

/** A typed array is some two hundred bytes and a microsecond, however little is in it. */
const BYTES_COST = 4;

/** How the explanation begins of a payload that was refused for the number of its values. */
export const TOO_MANY_VALUES = "more values";

/** Of what is not counted as a value: a place in a list, one in a map, a short text. Eighths of a value. */
const ITEM_WEIGHT = 1;
const ENTRY_WEIGHT = 2;
const SHORT_TEXT_WEIGHT = 4;

export type KeepDouble = (value: number) => AvroDouble;

export interface ValueDecoder {
  /** Decodes one framed value from base64. */
  /** @param keepDouble given, kinds are kept: longs are read as bigint, doubles as what it makes of them */
  decode(blob: string, mostValues: number, keepDouble?: KeepDouble): AvroValue;
  /**
   * What the last value that was decoded weighs in memory: the values that were counted, and a part of one for each of
   * the others. One is some 64 bytes.
   */
  weight(): number;
}

/**
 * Makes a decoder that reads in one pass. Not reentrant, and never needs to be: it calls no foreign code. Its state is in
 * variables rather than fields, which minifiers shorten.
 */
export function createValueDecoder(platform: BytePlatform): ValueDecoder {
  const keys = createKeyCache();
  let bytes = platform.allocate(1024);
  let view = viewOf(bytes);
  let position = 0;
  let end = 0;
  let depth = 0;
  let keep: KeepDouble | undefined;
  /** What is left of the most values that may cost time and memory of their own, and how many that were. */
  let budget = 0;
  let most = 0;
  /** What values weigh that are not counted, in eighths. */
  let small = 0;
  /** Where the block at hand must end; -1 where its size was not given. */
  let blockEnd = -1;

  function allocate(size: number): void {
    bytes = platform.allocate(size);
    view = viewOf(bytes);
  }

  function fail(what: string): never {
    throw new PayloadError("invalid_payload_framing", `${what} (at byte ${position} of ${end})`);
  }

  /** What stands where something else was expected. */
  function invalid(what: string, found: number, expected: string): never {
    return fail(`invalid ${what} ${found}: expected ${expected}`);
  }

  /** Checks that there is room for so many more bytes. */
  function need(count: number): void {
    if (count > end - position) fail(`the frame is too short: expected ${count} more bytes, got ${end - position}`);
  }

  /** Counts values of a kind that is worth so many others. */
  function spend(cost: number): void {
    budget -= cost;
    if (budget < 0) fail(`${TOO_MANY_VALUES} than ${most} at once: send fewer, or one text or bytes`);
  }

  function readHeader(): void {
    const frame = bytes;
    for (let at = 0; at < HEADER.length; at++) {
      if (at < end && frame[at] === HEADER[at]) continue;
      if (at < MARKER_LENGTH || end < HEADER.length) {
        // Servers before August 2026 framed payloads in another way, which starts with 00.
        fail("the frame has no C3 01 and fingerprint");
      }
      throw new PayloadError("unsupported_payload_schema", "the fingerprint is of another schema");
    }
  }

  function readValue(): AvroValue {
    need(1);
    const branch = bytes[position++]!;
    switch (branch) {
      case STRING_BRANCH:
        return readText();
      case LONG_BRANCH:
        return keep === undefined ? readLong() : readBigInt();
      case MAP_BRANCH:
        return readMap();
      case ARRAY_BRANCH:
        return readArray();
      case NULL_BRANCH:
        return null;
      case BOOLEAN_BRANCH:
        return readBoolean();
      case DOUBLE_BRANCH:
        return readDouble();
      case BYTES_BRANCH:
        return readBytes();
      default:
        return invalid("branch", branch, "one of 0, 2, ... 14");
    }
  }

  function readBoolean(): boolean {
    need(1);
    const byte = bytes[position++]!;
    return byte > 1 ? invalid("boolean", byte, "0 or 1") : byte === 1;
  }

  function readDouble(): number | AvroDouble {
    need(8);
    const value = view.getFloat64(position, true);
    if (!Number.isFinite(value)) invalid("double", value, "a finite one");
    position += 8;
    return keep === undefined ? value : keep(value);
  }

  /** A zigzag varint: a number in the safe range, else a bigint. */
  function readLong(): number | bigint {
    const start = position;
    let bits = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      need(1);
      const byte = bytes[position++]!;
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) invalidInteger(byte);
        return (bits >>> 1) ^ -(bits & 1);
      }
    }
    position = start;
    spend(1);
    const value = readBigInt();
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  function readBigInt(): bigint {
    let bits = 0n;
    for (let shift = 0n; ; shift += 7n) {
      need(1);
      const byte = bytes[position++]!;
      // The tenth byte holds the last bit.
      if (shift === 63n && byte > 1) invalidInteger(byte);
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0n) invalidInteger(byte);
        return (bits >> 1n) ^ -(bits & 1n);
      }
    }
  }

  function invalidInteger(lastByte: number): never {
    invalid("integer ending in", lastByte, "64 bits in as few bytes as they need");
  }

  /** A long as a number, which is what lengths and counts fit; most take one byte. */
  function readCount(): number {
    const byte = position < end ? bytes[position]! : 0x80;
    if (byte > 0x7f) return Number(readLong());
    position++;
    return (byte >>> 1) ^ -(byte & 1);
  }

  /** The length of bytes or text that follow. */
  function readLength(): number {
    const length = readCount();
    if (length < 0) invalid("length", length, "0 or more");
    need(length);
    return length;
  }

  function readBytes(): Uint8Array {
    const length = readLength();
    spend(BYTES_COST);
    // A copy, of the plain class: the scratch memory is used again, and Buffer's slice would share it.
    const copy = new Uint8Array(bytes.subarray(position, position + length));
    position += length;
    return copy;
  }

  function readText(): string {
    const length = readLength();
    const short = length > SHORT_TEXT ? undefined : readShortAscii(bytes, position, length);
    if (short === undefined) return readUtf8(length);
    position += length;
    if (length > 1) small += SHORT_TEXT_WEIGHT;
    return short;
  }

  function readUtf8(length: number): string {
    spend(1);
    const text = platform.readUtf8(bytes, position, position + length);
    if (text === undefined) fail(`invalid UTF-8 in a text of ${length} bytes`);
    position += length;
    return text;
  }

  /** The count of the next block, 0 at the end. A negative count is followed by the block's size, which must be right. */
  function readBlockCount(smallestItem: number): number {
    if (blockEnd >= 0 && position !== blockEnd) fail(`invalid block: expected its end at byte ${blockEnd}`);
    let count = readCount();
    blockEnd = -1;
    if (count < 0) {
      count = -count;
      blockEnd = readLength() + position;
    }
    need(count * smallestItem);
    small += count * (smallestItem === 1 ? ITEM_WEIGHT : ENTRY_WEIGHT);
    return count;
  }

  function enter(): void {
    blockEnd = -1;
    spend(1);
    if (++depth > MAX_DEPTH) fail(`nests deeper than ${MAX_DEPTH} levels`);
  }

  function readArray(): AvroValue[] {
    enter();
    const items: AvroValue[] = [];
    for (let count = readBlockCount(1); count > 0; count = readBlockCount(1)) {
      const itsEnd = blockEnd;
      for (; count > 0; count--) items.push(readValue());
      blockEnd = itsEnd;
    }
    depth--;
    return items;
  }

  function readMap(): { [key: string]: AvroValue } {
    enter();
    const map: { [key: string]: AvroValue } = {};
    for (let count = readBlockCount(2); count > 0; count = readBlockCount(2)) {
      const itsEnd = blockEnd;
      for (; count > 0; count--) {
        const length = readLength();
        const known = keys.get(bytes, position, length);
        if (known !== undefined) {
          position += length;
          map[known] = readValue();
        } else {
          readNewEntry(map, length);
        }
      }
      blockEnd = itsEnd;
    }
    depth--;
    return map;
  }

  function readNewEntry(map: { [key: string]: AvroValue }, length: number): void {
    const start = position;
    // With the text that it is, two: objects grow slow with keys that no other has.
    spend(1);
    const key = readUtf8(length);
    if (isInheritedName(key)) {
      defineOwn(map, key, readValue());
    } else {
      keys.set(bytes, start, length, key);
      map[key] = readValue();
    }
  }

  function decode(blob: string, mostValues: number, keepDouble?: KeepDouble): AvroValue {
    const size = base64ByteLength(blob);
    if (size > bytes.length) allocate(size);
    try {
      position = 0;
      end = size;
      depth = 0;
      keep = keepDouble;
      budget = most = mostValues;
      small = 0;
      if (!platform.readBase64(blob, bytes, size)) fail(`the blob is not strict base64${jsonHint(blob)}`);
      readHeader();
      position = HEADER.length;
      const value = readValue();
      if (position !== size) fail(`more follows the value: ${size - position} bytes`);
      return value;
    } finally {
      if (bytes.length > KEPT_SCRATCH_BYTES) allocate(1024);
    }
  }

  return { decode, weight: () => most - budget + small / 8 };
}

/** A hint for text that starts as JSON does. */
function jsonHint(text: string): string {
  return /^\s*[[{"]/.test(text) ? "; JSON is the document transport, not a payload codec" : "";
}
