import { recordableText } from "../protocol/recordable-text.js";
import type { BytePlatform } from "./bytes.js";
import { PayloadError, type PayloadErrorCode } from "./errors.js";
import { isWellFormed } from "./text.js";
import { isAvroDouble, isBytes, isLiteral, isPlainObject, MAX_DEPTH } from "./value.js";
import {
  ARRAY_BRANCH,
  BOOLEAN_BRANCH,
  BYTES_BRANCH,
  DOUBLE_BRANCH,
  HEADER,
  KEPT_SCRATCH_BYTES,
  LONG_BRANCH,
  MAP_BRANCH,
  NULL_BRANCH,
  STRING_BRANCH,
  viewOf,
} from "./wire-format.js";

/** Up to here a string is written character by character; above, by one call into the platform. */
const SHORT_TEXT = 40;

/** Encodes one value as a framed datum in base64. */
export type ValueEncoder = (value: unknown) => string;

/**
 * Makes an encoder that writes into one scratch buffer, in one pass. Not reentrant: a getter that encodes needs another
 * one. Its state is in variables rather than fields, which minifiers shorten.
 */
export function createValueEncoder(platform: BytePlatform): ValueEncoder {
  let bytes: Uint8Array = HEADER;
  let view = viewOf(bytes);
  let position = 0;
  /** Keys and indexes from the root to the value at hand, for error messages; valid up to the current depth. */
  const path: (string | number)[] = [];
  let depth = 0;
  /** Whether somebody gave every object enumerable properties; asking each key whose it is costs a fifth of the time. */
  let inheritedKeys = false;

  /** Makes room for `size` more bytes, and for the lengths and the scalar value that may come with or after them. */
  function reserve(size: number): void {
    if (position + size + 24 > bytes.length) grow(size);
  }

  /** Apart from the check, which is so small that engines put it where it is called. */
  function grow(size: number): void {
    const written = bytes.subarray(0, position);
    bytes = platform.allocate(Math.max(position + size + 24, bytes.length * 2, 1024));
    bytes.set(written);
    view = viewOf(bytes);
  }

  function fail(code: PayloadErrorCode, explanation: string): never {
    const where = ["value", ...path.slice(0, depth)].join(".");
    throw new PayloadError(code, `${recordableText(where, 400)} ${explanation}`);
  }

  /** Writes a value where there is room for a scalar one. */
  function writeValue(value: unknown): void {
    switch (typeof value) {
      case "string":
        bytes[position++] = STRING_BRANCH;
        writeText(value, "unsupported_value_type");
        return;
      case "number":
        if ((value | 0) === value ? !Object.is(value, -0) : Number.isSafeInteger(value)) {
          bytes[position++] = LONG_BRANCH;
          writeLong(value);
        } else {
          writeDouble(value);
        }
        return;
      case "boolean":
        bytes[position++] = BOOLEAN_BRANCH;
        bytes[position++] = value ? 1 : 0;
        return;
      case "object":
        if (value === null) bytes[position++] = NULL_BRANCH;
        else if (Array.isArray(value)) writeArray(value);
        else if (isLiteral(value)) writeMap(value, inheritedKeys);
        else writeObject(value);
        return;
      case "undefined":
        bytes[position++] = NULL_BRANCH;
        return;
      case "bigint":
        writeBigInt(value);
        return;
      case "function":
      case "symbol":
        // Which it refuses, by name.
        writeObject(value as object);
    }
  }

  function writeDouble(value: number): void {
    if (!Number.isFinite(value)) fail("non_finite_float", `is ${value}`);
    bytes[position++] = DOUBLE_BRANCH;
    view.setFloat64(position, value, true);
    position += 8;
  }

  /** Zigzag varint of a safe integer. */
  function writeLong(value: number): void {
    let rest: number;
    if ((value | 0) === value) {
      rest = ((value << 1) ^ (value >> 31)) >>> 0;
    } else {
      // Zigzag of a large number leaves the safe range; its magnitude without the sign bit does not.
      const magnitude = value < 0 ? -(value + 1) : value;
      bytes[position++] = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0) | 0x80;
      rest = Math.floor(magnitude / 64);
      for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[position++] = (rest % 128) | 0x80;
    }
    const target = bytes;
    let at = position;
    for (; rest > 0x7f; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
    target[at++] = rest;
    position = at;
  }

  function writeBigInt(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) fail("integer_overflow", "is over 64 bits");
    bytes[position++] = LONG_BRANCH;
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) bytes[position++] = Number(rest & 0x7fn) | 0x80;
    bytes[position++] = Number(rest);
  }

  /** Length, then UTF-8. `code` is what text without a UTF-8 form is refused with. */
  function writeText(text: string, code: PayloadErrorCode): void {
    const { length } = text;
    if (length <= SHORT_TEXT) {
      reserve(length);
      // Hot: names of its own spare the loop from asking for the shared ones again and again.
      const target = bytes;
      const start = position + 1;
      let seen = 0;
      for (let index = 0; index < length; index++) {
        const character = text.charCodeAt(index);
        seen |= character;
        target[start + index] = character;
      }
      if (seen < 128) {
        target[position] = length << 1;
        position = start + length;
        return;
      }
    }
    reserve(length * 3);
    // The length comes first and is not known yet; it takes as many bytes as the ASCII length does, most of the time.
    const guess = position + varintLength(length);
    const written = platform.writeUtf8(bytes, text, guess);
    if (written !== length && !isWellFormed(text)) {
      fail(code, "holds a lone surrogate");
    }
    const start = position + varintLength(written);
    if (start !== guess) bytes.copyWithin(start, guess, guess + written);
    writeLong(written);
    position += written;
  }

  function enter(): void {
    if (++depth > MAX_DEPTH) {
      depth = 0;
      fail("unsupported_value_type", `nests deeper than ${MAX_DEPTH} levels, or contains itself`);
    }
  }

  function writeArray(items: readonly unknown[]): void {
    bytes[position++] = ARRAY_BRANCH;
    const count = items.length;
    if (count > 0) writeLong(count);
    // An empty list is a level too: readers count it.
    enter();
    for (let index = 0; index < count; index++) {
      path[depth - 1] = index;
      reserve(0);
      writeValue(items[index]);
    }
    depth--;
    reserve(0);
    bytes[position++] = 0;
  }

  function writeObject(value: object): void {
    if (isPlainObject(value)) writeMap(value, true);
    else if (isBytes(value)) writeBytes(value);
    else if (isAvroDouble(value)) writeDouble(value.value);
    else fail("unsupported_value_type", `is ${nameOf(value)}: convert it, as toAvroValue() does`);
  }

  function writeBytes(value: Uint8Array): void {
    reserve(value.length);
    bytes[position++] = BYTES_BRANCH;
    writeLong(value.length);
    bytes.set(value, position);
    position += value.length;
  }

  function writeMap(map: Record<string, unknown>, checkOwn: boolean): void {
    bytes[position++] = MAP_BRANCH;
    const countAt = position++;
    const level = depth;
    enter();
    let count = 0;
    for (const key in map) {
      if (checkOwn && !Object.hasOwn(map, key)) continue;
      const value = map[key];
      if (value === undefined) continue;
      count++;
      path[level] = key;
      writeText(key, "invalid_map_key");
      writeValue(value);
    }
    depth--;
    closeBlock(countAt, count);
  }

  /** Writes the count of a block where one byte was left for it, and the end after it; an empty block's count is its end. */
  function closeBlock(countAt: number, count: number): void {
    reserve(0);
    if (count < 64) {
      bytes[countAt] = count << 1;
    } else {
      const end = position + varintLength(count) - 1;
      bytes.copyWithin(countAt + varintLength(count), countAt + 1, position);
      position = countAt;
      writeLong(count);
      position = end;
    }
    if (count > 0) bytes[position++] = 0;
  }

  return (value) => {
    position = HEADER.length;
    depth = 0;
    inheritedKeys = false;
    for (const _ in Object.prototype) inheritedKeys = true;
    try {
      reserve(0);
      writeValue(value);
      return platform.writeBase64(bytes, position);
    } finally {
      if (bytes.length > KEPT_SCRATCH_BYTES) bytes = HEADER;
    }
  };
}

/** Bytes of the zigzag varint of a length. */
function varintLength(length: number): number {
  let bytes = 1;
  for (let rest = length >>> 6; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return `a ${typeof name === "string" && name !== "" ? name : typeof value}`;
}
