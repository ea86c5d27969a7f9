/** Larger memory is not kept. */
const LARGEST_KEPT = 4_194_304;
/** Of all that is kept. */
const MOST_KEPT = 16_777_216;
/** Sizes are rounded up to it, so that what is kept fits the next one. */
const STEP = 262_144;

/**
 * Memory for large answers, used again once they are sent: new memory of that size is taken from the system page by page, and
 * each page costs as much as writing to it several times.
 */
export class LentMemory {
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;

  /** At least so many bytes, which hold what they held before. */
  lend(size: number): Buffer {
    for (let at = this.kept.length - 1; at >= 0; at--) {
      const memory = this.kept[at];
      if (memory === undefined || memory.length < size) continue;
      this.kept.splice(at, 1);
      this.keptBytes -= memory.length;
      return memory;
    }
    return Buffer.allocUnsafeSlow(Math.ceil(size / STEP) * STEP);
  }

  /** Nobody reads it, or writes to it, any more. What is never given back is collected as garbage. */
  giveBack(memory: Buffer): void {
    if (memory.length > LARGEST_KEPT || this.keptBytes + memory.length > MOST_KEPT) return;
    this.kept.push(memory);
    this.keptBytes += memory.length;
  }
}
