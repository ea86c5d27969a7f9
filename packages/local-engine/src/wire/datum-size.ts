import { MOST_KEYS, MOST_VALUES } from "../http/json-limits.js";

/** Branches of the Avro Value union, as the bytes that they begin with. */
const BRANCH = { null: 0, boolean: 2, long: 4, double: 6, bytes: 8, string: 10, array: 12, map: 14 } as const;
const HEADER_BYTES = 10;
const DOUBLE_BYTES = 8;

/**
 * Whether a blob holds more values, or more keys, than are decoded in a short time. It walks over the datum and builds
 * nothing; what is wrong with it otherwise is for the decoder to say, and ends the walk.
 */
export function isDatumTooLarge(blob: string): boolean {
  const bytes = Buffer.from(blob, "base64");
  const walk = new Walk(bytes);
  return walk.exceeds();
}

class Walk {
  private readonly bytes: Buffer;
  private at = HEADER_BYTES;
  private values = 0;
  private keys = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  exceeds(): boolean {
    /** What is open: how many items are left of the block at hand, and whether they have keys. */
    const open: { left: number; readonly isMap: boolean }[] = [{ left: 1, isMap: false }];
    for (let top = open.at(-1); top !== undefined && this.at < this.bytes.length; top = open.at(-1)) {
      if (top.left === 0) {
        // The outermost value is no list, and has no further block.
        top.left = open.length === 1 ? 0 : this.blockCount();
        if (top.left === 0) open.pop();
        continue;
      }
      top.left--;
      if (top.isMap) {
        this.keys++;
        this.skip(this.long());
      }
      if (++this.values > MOST_VALUES || this.keys > MOST_KEYS) return true;
      switch (this.bytes[this.at++]) {
        case BRANCH.array:
          open.push({ left: 0, isMap: false });
          break;
        case BRANCH.map:
          open.push({ left: 0, isMap: true });
          break;
        case BRANCH.boolean:
          this.skip(1);
          break;
        case BRANCH.double:
          this.skip(DOUBLE_BYTES);
          break;
        case BRANCH.long:
          this.long();
          break;
        case BRANCH.bytes:
        case BRANCH.string:
          this.skip(this.long());
          break;
        case BRANCH.null:
          break;
        case undefined:
        default:
          return false;
      }
    }
    return false;
  }

  private skip(count: number): void {
    this.at = count < 0 ? this.bytes.length : this.at + count;
  }

  /** A negative count is followed by the length of the block. */
  private blockCount(): number {
    const count = this.long();
    if (count >= 0) return count;
    this.long();
    return -count;
  }

  /** A zigzag varint, as exact as a length has to be. */
  private long(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
