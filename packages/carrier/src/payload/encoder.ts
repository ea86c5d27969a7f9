import type { BytePlatform } from "./bytes.js";
import { PayloadError, type PayloadErrorCode } from "./errors.js";
import { isWellFormed } from "./text.js";
import { isAvroDouble, isPlainObject, MAX_DEPTH } from "./value.js";
import { Branch, HEADER, INT64_MAX, INT64_MIN, KEPT_SCRATCH_BYTES } from "./wire-format.js";

/** Up to here a string is written character by character; above, by one call into the platform. */
const SHORT_TEXT = 40;

/** Writes values into one scratch buffer, in one pass. Not reentrant: a getter that encodes needs another one. */
export class ValueEncoder {
  private readonly platform: BytePlatform;
  private bytes: Uint8Array;
  private view: DataView;
  private position = 0;
  /** Keys and indexes from the root to the value at hand, for error messages; valid up to the current depth. */
  private readonly path: (string | number)[] = [];
  private depth = 0;
  /** Whether somebody gave every object enumerable properties; asking each key whose it is costs a fifth of the time. */
  private inheritedKeys = false;

  constructor(platform: BytePlatform) {
    this.platform = platform;
    this.bytes = platform.allocate(1024);
    this.bytes.set(HEADER);
    this.view = viewOf(this.bytes);
  }

  /** The framed value as base64. */
  encode(value: unknown): string {
    this.position = HEADER.length;
    this.depth = 0;
    this.inheritedKeys = hasEnumerableKey(Object.prototype);
    this.writeValue(value);
    const blob = this.platform.writeBase64(this.bytes, this.position);
    if (this.bytes.length > KEPT_SCRATCH_BYTES) this.resize(1024, 0);
    return blob;
  }

  private resize(size: number, keep: number): void {
    const bytes = this.platform.allocate(size);
    bytes.set(this.bytes.subarray(0, Math.max(keep, HEADER.length)));
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** Makes room for `size` more bytes. */
  private reserve(size: number): void {
    const needed = this.position + size;
    if (needed > this.bytes.length) this.resize(Math.max(needed, this.bytes.length * 2), this.position);
  }

  private fail(code: PayloadErrorCode, explanation: string): never {
    let where = "the value";
    for (let level = 0; level < Math.min(this.depth, 40); level++) {
      const step = this.path[level];
      where += typeof step === "number" ? `[${step}]` : `[${JSON.stringify(step)}]`;
    }
    throw new PayloadError(code, `${where} ${explanation}`);
  }

  private writeValue(value: unknown): void {
    // Room for a branch and the longest varint or a double.
    if (this.position + 12 > this.bytes.length) this.reserve(12);
    switch (typeof value) {
      case "string":
        this.bytes[this.position++] = Branch.String;
        this.writeText(value, "unsupported_value_type");
        return;
      case "number":
        this.writeNumber(value);
        return;
      case "boolean":
        this.bytes[this.position++] = Branch.Boolean;
        this.bytes[this.position++] = value ? 1 : 0;
        return;
      case "object":
        if (value === null) {
          this.bytes[this.position++] = Branch.Null;
        } else if (Array.isArray(value)) {
          this.writeArray(value);
        } else {
          this.writeObject(value);
        }
        return;
      case "undefined":
        this.bytes[this.position++] = Branch.Null;
        return;
      case "bigint":
        this.writeBigInt(value);
        return;
      default:
        this.fail("unsupported_value_type", `is a ${typeof value}, which is no payload value`);
    }
  }

  private writeNumber(value: number): void {
    if ((value | 0) === value && value !== 0) {
      this.bytes[this.position++] = Branch.Long;
      this.writeInt(value);
    } else if (Number.isSafeInteger(value) && (value !== 0 || !Object.is(value, -0))) {
      this.bytes[this.position++] = Branch.Long;
      this.writeLong(value);
    } else {
      this.writeDouble(value);
    }
  }

  private writeDouble(value: number): void {
    if (!Number.isFinite(value)) this.fail("non_finite_float", `is ${value}; a double must be finite`);
    this.bytes[this.position++] = Branch.Double;
    this.view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  /** Zigzag varint of a 32-bit integer. */
  private writeInt(value: number): void {
    const bytes = this.bytes;
    let position = this.position;
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 0x7f) {
      bytes[position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[position++] = rest;
    this.position = position;
  }

  /** Zigzag varint of a safe integer. */
  private writeLong(value: number): void {
    if ((value | 0) === value) {
      this.writeInt(value);
      return;
    }
    const bytes = this.bytes;
    // Zigzag of a large number leaves the safe range; its magnitude without the sign bit does not.
    const magnitude = value < 0 ? -(value + 1) : value;
    let rest = Math.floor(magnitude / 64);
    bytes[this.position++] = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0) | 0x80;
    while (rest > 0x7f) {
      bytes[this.position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    bytes[this.position++] = rest;
  }

  private writeBigInt(value: bigint): void {
    if (value < INT64_MIN || value > INT64_MAX) {
      this.fail("integer_overflow", "is an integer outside the signed 64-bit range");
    }
    this.bytes[this.position++] = Branch.Long;
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 0x7fn) {
      this.bytes[this.position++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.position++] = Number(rest);
  }

  /** Length, then UTF-8. There is room for a varint; `code` is what text without a UTF-8 form is refused with. */
  private writeText(text: string, code: PayloadErrorCode): void {
    const length = text.length;
    if (length <= SHORT_TEXT) {
      this.reserve(length + 12);
      const bytes = this.bytes;
      const start = this.position;
      let seen = 0;
      for (let index = 0; index < length; index++) {
        const character = text.charCodeAt(index);
        seen |= character;
        bytes[start + 1 + index] = character;
      }
      if (seen < 128) {
        bytes[start] = length << 1;
        this.position = start + 1 + length;
        return;
      }
    }
    this.writeLongText(text, code);
  }

  private writeLongText(text: string, code: PayloadErrorCode): void {
    const length = text.length;
    this.reserve(length * 3 + 12);
    const start = this.position;
    // The length comes first and is not known yet; it takes as many bytes as the ASCII length does, most of the time.
    const guess = varintLength(length);
    const written = this.platform.writeUtf8(this.bytes, text, start + guess);
    if (written !== length && !isWellFormed(text)) {
      this.fail(code, `is or has as a key a text with a lone surrogate (U+D800 to U+DFFF), which UTF-8 cannot express`);
    }
    const actual = varintLength(written);
    if (actual !== guess) this.bytes.copyWithin(start + actual, start + guess, start + guess + written);
    this.writeLong(written);
    this.position = start + actual + written;
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) {
      this.depth = 0;
      this.fail("unsupported_value_type", `nests lists and maps deeper than ${MAX_DEPTH} levels, or contains itself`);
    }
  }

  private writeArray(items: readonly unknown[]): void {
    const count = items.length;
    this.bytes[this.position++] = Branch.Array;
    if (count > 0) {
      this.writeLong(count);
      this.enter();
      const path = this.path;
      const level = this.depth - 1;
      for (let index = 0; index < count; index++) {
        path[level] = index;
        this.writeValue(items[index]);
      }
      this.depth--;
      this.reserve(1);
    }
    this.bytes[this.position++] = 0;
  }

  private writeObject(value: object): void {
    if (Object.getPrototypeOf(value) === Object.prototype) this.writeMap(value as Record<string, unknown>, false);
    else if (isPlainObject(value)) this.writeMap(value, true);
    else if (value instanceof Uint8Array) this.writeBytes(value);
    else if (isAvroDouble(value)) this.writeDouble(value.value);
    else this.fail("unsupported_value_type", `is ${nameOf(value)}; ${hintFor(value)}`);
  }

  private writeBytes(value: Uint8Array): void {
    this.reserve(value.length + 12);
    this.bytes[this.position++] = Branch.Bytes;
    this.writeLong(value.length);
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  private writeMap(map: Record<string, unknown>, foreign: boolean): void {
    this.bytes[this.position++] = Branch.Map;
    const countAt = this.position++;
    this.enter();
    const path = this.path;
    const level = this.depth - 1;
    const checkOwn = this.inheritedKeys || foreign;
    let count = 0;
    for (const key in map) {
      if (checkOwn && !Object.hasOwn(map, key)) continue;
      const value = map[key];
      if (value === undefined) continue;
      count++;
      path[level] = key;
      this.writeText(key, "invalid_map_key");
      this.writeValue(value);
    }
    this.depth--;
    this.closeBlock(countAt, count);
  }

  /** Writes the count of a block where one byte was left for it, and the end after it. */
  private closeBlock(countAt: number, count: number): void {
    this.reserve(12);
    if (count < 64) {
      this.bytes[countAt] = count << 1;
      // The count of an empty block is the end itself.
      if (count > 0) this.bytes[this.position++] = 0;
      return;
    }
    const size = varintLength(count);
    this.bytes.copyWithin(countAt + size, countAt + 1, this.position);
    const end = this.position + size - 1;
    this.position = countAt;
    this.writeLong(count);
    this.bytes[end] = 0;
    this.position = end + 1;
  }
}

function hasEnumerableKey(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes of the zigzag varint of a length. */
function varintLength(length: number): number {
  return length < 0x40 ? 1 : length < 0x2000 ? 2 : length < 0x100000 ? 3 : length < 0x8000000 ? 4 : 5;
}

function nameOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== "Object") return `a ${tag}`;
  const constructor: unknown = (Object.getPrototypeOf(value) as { constructor?: unknown } | null)?.constructor;
  return typeof constructor === "function" && constructor.name !== "" ? `a ${constructor.name}` : "a class instance";
}

function hintFor(value: object): string {
  if (value instanceof Promise) return "await it first";
  if (value instanceof ArrayBuffer) return "wrap it: new Uint8Array(buffer)";
  return "convert it yourself, or with toAvroValue()";
}
