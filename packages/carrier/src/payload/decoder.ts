import { type BytePlatform, base64ByteLength } from "./bytes.js";
import { PayloadError } from "./errors.js";
import { KeyCache } from "./key-cache.js";
import { readShortAscii, SHORT_TEXT } from "./short-ascii.js";
import { AvroDouble, type AvroValue, MAX_DEPTH, setOwn } from "./value.js";
import { Branch, HEADER, KEPT_SCRATCH_BYTES, MARKER_LENGTH } from "./wire-format.js";

/** Reads framed values from base64, in one pass. Not reentrant, and never needs to be: it calls no foreign code. */
export class ValueDecoder {
  private readonly platform: BytePlatform;
  private readonly keys = new KeyCache();
  private bytes: Uint8Array;
  private view: DataView;
  private position = 0;
  private end = 0;
  private depth = 0;
  private lossless = false;

  constructor(platform: BytePlatform) {
    this.platform = platform;
    this.bytes = platform.allocate(1024);
    this.view = viewOf(this.bytes);
  }

  decode(blob: string, lossless: boolean): AvroValue {
    const size = base64ByteLength(blob);
    if (size > this.bytes.length) this.allocate(size);
    if (!this.platform.readBase64(blob, this.bytes)) {
      fail(`the blob is not strict base64 (padded, standard alphabet, no whitespace)${jsonHint(blob)}`);
    }
    this.end = size;
    this.depth = 0;
    this.lossless = lossless;
    this.readHeader();
    const value = this.readValue();
    if (this.position !== size) fail(`${size - this.position} bytes follow the value`);
    if (this.bytes.length > KEPT_SCRATCH_BYTES) this.allocate(1024);
    return value;
  }

  private allocate(size: number): void {
    this.bytes = this.platform.allocate(size);
    this.view = viewOf(this.bytes);
  }

  private readHeader(): void {
    const bytes = this.bytes;
    for (let index = 0; index < HEADER.length; index++) {
      if (index < this.end && bytes[index] === HEADER[index]) continue;
      if (index < MARKER_LENGTH || this.end < HEADER.length) {
        fail(`the bytes do not start with C3 01 and a schema fingerprint${this.framingHint()}`);
      }
      throw new PayloadError(
        "unsupported_payload_schema",
        "the fingerprint is not that of durable_workflow.protocol.Value",
      );
    }
    this.position = HEADER.length;
  }

  private framingHint(): string {
    if (this.end === 0) return "; the blob is empty";
    const first = this.bytes[0] as number;
    if (first === 0) return "; 00 at the front is the framing of servers before August 2026, which must be upgraded";
    return jsonHint(String.fromCharCode(first));
  }

  private readValue(): AvroValue {
    if (this.position >= this.end) this.failTruncated();
    const branch = this.bytes[this.position++];
    switch (branch) {
      case Branch.String:
        return this.readText();
      case Branch.Long:
        return this.lossless ? this.readBigInt() : this.readLong();
      case Branch.Map:
        return this.readMap();
      case Branch.Array:
        return this.readArray();
      case Branch.Null:
        return null;
      case Branch.Boolean:
        return this.readBoolean();
      case Branch.Double:
        return this.readDouble();
      case Branch.Bytes:
        return this.readBytes();
      default:
        return fail(`byte ${this.position - 1} names no branch of the Value union`);
    }
  }

  private failTruncated(): never {
    fail("the value is cut off");
  }

  private readBoolean(): boolean {
    if (this.position >= this.end) this.failTruncated();
    const byte = this.bytes[this.position++] as number;
    if (byte > 1) fail(`byte ${this.position - 1} is neither true nor false`);
    return byte === 1;
  }

  private readDouble(): number | AvroDouble {
    const position = this.position;
    if (this.end - position < 8) this.failTruncated();
    const value = this.view.getFloat64(position, true);
    if (!Number.isFinite(value)) fail(`the double at byte ${position} is not finite`);
    this.position = position + 8;
    return this.lossless ? new AvroDouble(value) : value;
  }

  /** A zigzag varint: a number in the safe range, else a bigint. */
  private readLong(): number | bigint {
    const bytes = this.bytes;
    const start = this.position;
    if (start < this.end) {
      const byte = bytes[start] as number;
      if (byte < 0x80) {
        this.position = start + 1;
        return (byte >>> 1) ^ -(byte & 1);
      }
    }
    const limit = Math.min(this.end, start + 4);
    let bits = 0;
    for (let position = start, shift = 0; position < limit; position++, shift += 7) {
      const byte = bytes[position] as number;
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && position > start) this.failOverlong();
        this.position = position + 1;
        return (bits >>> 1) ^ -(bits & 1);
      }
    }
    const value = this.readBigInt();
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  private readBigInt(): bigint {
    let bits = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) this.failTruncated();
      const byte = this.bytes[this.position++] as number;
      if (shift === 63n && byte > 1) fail(`the integer before byte ${this.position} does not fit 64 bits`);
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0n) this.failOverlong();
        return (bits >> 1n) ^ -(bits & 1n);
      }
    }
    return this.failOverlong();
  }

  private failOverlong(): never {
    fail(`the integer before byte ${this.position} is written in more bytes than it needs`);
  }

  /** A length or count: the sign is checked by the caller. */
  private readCount(): number {
    const count = this.readLong();
    return typeof count === "number" ? count : fail(`the count before byte ${this.position} is beyond reason`);
  }

  /** The length of bytes or text that must follow. */
  private readLength(): number {
    const length = this.readCount();
    if (length < 0 || length > this.end - this.position) {
      fail(`${length} bytes are announced before byte ${this.position}, ${this.end - this.position} are left`);
    }
    return length;
  }

  private readBytes(): Uint8Array {
    const length = this.readLength();
    const start = this.position;
    this.position = start + length;
    // A copy, of the plain class: the scratch memory is used again, and Buffer's slice would share it.
    const copy = new Uint8Array(length);
    if (length > 64) {
      copy.set(this.bytes.subarray(start, start + length));
    } else {
      for (let index = 0; index < length; index++) copy[index] = this.bytes[start + index] as number;
    }
    return copy;
  }

  private readText(): string {
    const length = this.readLength();
    const start = this.position;
    const end = start + length;
    this.position = end;
    if (length <= SHORT_TEXT) {
      const text = readShortAscii(this.bytes, start, length);
      if (text !== undefined) return text;
    }
    const text = this.platform.readUtf8(this.bytes, start, end);
    if (text === undefined) fail(`the text at byte ${start} is not valid UTF-8`);
    return text;
  }

  /**
   * The count of the next block, 0 at the end. A negative count is followed by the block's size in bytes, which must be
   * right; `blockEnd` is where the block then ends, -1 where its size was not given.
   */
  private readBlockCount(smallestItem: number): number {
    let count = this.readCount();
    this.blockEnd = -1;
    if (count < 0) {
      count = -count;
      const size = this.readLength();
      this.blockEnd = this.position + size;
    }
    if (count * smallestItem > this.end - this.position) {
      fail(
        `a block of ${count} items is announced before byte ${this.position}, ${this.end - this.position} bytes are left`,
      );
    }
    return count;
  }

  private blockEnd = -1;

  private checkBlockEnd(blockEnd: number): void {
    if (blockEnd >= 0 && this.position !== blockEnd) {
      fail(`the block that ends before byte ${this.position} is not of the size it gave`);
    }
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) fail(`lists and maps nest deeper than ${MAX_DEPTH} levels`);
  }

  private readArray(): AvroValue[] {
    this.enter();
    const items: AvroValue[] = [];
    for (let count = this.readBlockCount(1); count !== 0; count = this.readBlockCount(1)) {
      const blockEnd = this.blockEnd;
      for (; count > 0; count--) items.push(this.readValue());
      this.checkBlockEnd(blockEnd);
    }
    this.depth--;
    return items;
  }

  private readMap(): { [key: string]: AvroValue } {
    this.enter();
    const map: { [key: string]: AvroValue } = {};
    for (let count = this.readBlockCount(2); count !== 0; count = this.readBlockCount(2)) {
      const blockEnd = this.blockEnd;
      for (; count > 0; count--) {
        const length = this.readLength();
        const known = this.keys.get(this.bytes, this.position, length);
        if (known !== undefined) {
          this.position += length;
          map[known] = this.readValue();
        } else {
          const key = this.readNewKey(length);
          setOwn(map, key, this.readValue());
        }
      }
      this.checkBlockEnd(blockEnd);
    }
    this.depth--;
    return map;
  }

  private readNewKey(length: number): string {
    const start = this.position;
    const key = this.platform.readUtf8(this.bytes, start, start + length);
    if (key === undefined) fail(`the map key at byte ${start} is not valid UTF-8`);
    this.position = start + length;
    this.keys.set(this.bytes, start, length, key);
    return key;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fail(explanation: string): never {
  throw new PayloadError("invalid_payload_framing", explanation);
}

/** A hint for text that starts as JSON does. */
function jsonHint(text: string): string {
  return /^\s*[[{"]/.test(text)
    ? "; it looks like JSON, which is how the envelope travels, not how a payload is encoded: encode the value with the avro codec"
    : "";
}
