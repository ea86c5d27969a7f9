import { isUtf8 } from "node:buffer";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { MOST_KEYS, MOST_VALUES } from "../http/json-limits.js";

/** Branches of the Avro Value union, as the bytes that they begin with. */
const BRANCH = { null: 0, boolean: 2, long: 4, double: 6, bytes: 8, string: 10, array: 12, map: 14 } as const;
/** The marker and the fingerprint, which every payload begins with. */
const HEADER = Buffer.from(encodeAvroValue(null), "base64").subarray(0, -1);
const DOUBLE_BYTES = 8;
/** Lists and maps within each other, as many as the decoder takes. */
const DEEPEST = 512;
/** Bytes of a long of 64 bits, at most. The last holds one bit. */
const LONG_BYTES = 10;
/** A text that is no longer is looked through here: a call takes as long. */
const SHORT_TEXT = 48;

/**
 * What can be said of an encoded payload without decoding it: that it decodes; that it holds more values, or more keys, than are
 * decoded in a short time; or that decoding it fails. The decoder says why.
 */
export type DatumVerdict = "sound" | "too large" | "faulty";

/**
 * Walks over a payload as the decoder would, and builds nothing: no list, no object, no text.
 *
 * @param bytes that its base64 stands for
 */
export function judgeDatum(bytes: Buffer): DatumVerdict {
  return new Walk(bytes).judge();
}

/** A list or a map that is being read. */
interface Open {
  /** Items of the block at hand. */
  left: number;
  /** Where that block has to end; -1 where its size was not given. */
  end: number;
  readonly isMap: boolean;
}

class Walk {
  private readonly bytes: Buffer;
  private at = HEADER.length;
  private values = 0;
  private keys = 0;
  /** The walk goes on over a fault: it may be too large as well. */
  private isFaulty: boolean;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.isFaulty = !HEADER.equals(bytes.subarray(0, HEADER.length));
  }

  judge(): DatumVerdict {
    const { bytes } = this;
    // The payload as a whole is as a list of one.
    let top: Open = { left: 1, end: -1, isMap: false };
    const around: Open[] = [];
    while (this.at < bytes.length) {
      if (top.left === 0) {
        const outer = around.at(-1);
        if (outer === undefined) break;
        this.readBlock(top);
        if (top.left === 0) {
          around.pop();
          top = outer;
        }
        continue;
      }
      top.left--;
      if (top.isMap) {
        this.keys++;
        this.text();
      }
      if (++this.values > MOST_VALUES || this.keys > MOST_KEYS) return "too large";
      const branch = bytes[this.at++];
      if (branch === BRANCH.array || branch === BRANCH.map) {
        if (around.push(top) > DEEPEST) this.isFaulty = true;
        top = { left: 0, end: -1, isMap: branch === BRANCH.map };
      } else if (!this.scalar(branch)) return "faulty";
    }
    const isWhole = around.length === 0 && top.left === 0 && this.at === bytes.length;
    return isWhole && !this.isFaulty ? "sound" : "faulty";
  }

  /** A value that holds no others. @returns whether there is one */
  private scalar(branch: number | undefined): boolean {
    switch (branch) {
      case BRANCH.string:
        this.text();
        return true;
      case BRANCH.long:
        this.long();
        return true;
      case BRANCH.double:
        this.double();
        return true;
      case BRANCH.boolean:
        if ((this.bytes[this.at++] ?? 0) > 1) this.isFaulty = true;
        return true;
      case BRANCH.null:
        return true;
      case BRANCH.bytes:
        this.skip(this.long());
        return true;
      case undefined:
      default:
        return false;
    }
  }

  /** Only a finite one. */
  private double(): void {
    const high = this.bytes[this.at + DOUBLE_BYTES - 1] ?? 0;
    const next = this.bytes[this.at + DOUBLE_BYTES - 2] ?? 0;
    if ((high & 0x7f) === 0x7f && next >= 0xf0) this.isFaulty = true;
    this.at += DOUBLE_BYTES;
  }

  private text(): void {
    const length = this.long();
    const begin = this.at;
    this.skip(length);
    if (!this.isFaulty && !isText(this.bytes, begin, this.at)) this.isFaulty = true;
  }

  private skip(count: number): void {
    if (count >= 0) {
      this.at += count;
      return;
    }
    this.isFaulty = true;
    this.at = this.bytes.length;
  }

  /** Begins the next block of a list or map; its last has no items. The size in bytes follows a negative count. */
  private readBlock(open: Open): void {
    if (open.end >= 0 && open.end !== this.at) this.isFaulty = true;
    open.left = this.long();
    open.end = -1;
    if (open.left >= 0) return;
    open.left = -open.left;
    const size = this.long();
    if (size < 0) this.isFaulty = true;
    open.end = this.at + size;
  }

  /** A zigzag varint, as exact as a length has to be. */
  private long(): number {
    const byte = this.bytes[this.at++] ?? 0;
    return byte < 0x80 ? (byte >>> 1) ^ -(byte & 1) : this.longer(byte & 0x7f);
  }

  /** What follows the first byte of one. It has to be as short as it can be. */
  private longer(first: number): number {
    let value = first;
    let factor = 128;
    for (let count = 2; ; count++) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (count >= LONG_BYTES && byte > 1) this.isFaulty = true;
      if (byte < 0x80) {
        if (byte === 0) this.isFaulty = true;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
      factor *= 128;
    }
  }
}

function isText(bytes: Buffer, begin: number, end: number): boolean {
  if (end - begin > SHORT_TEXT) return isUtf8(bytes.subarray(begin, end));
  let seen = 0;
  for (let at = begin; at < end; at++) seen |= bytes[at] ?? 0;
  return seen < 0x80 || isUtf8(bytes.subarray(begin, end));
}
