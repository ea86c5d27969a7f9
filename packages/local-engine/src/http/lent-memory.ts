/** Larger memory is not kept. */
const LARGEST_KEPT = 4_194_304;
/** Of all that is kept. */
const MOST_KEPT = 16_777_216;
/** Sizes are rounded up to a multiple of it, or of an eighth of what is larger: so what is kept fits the next one. */
const STEP = 16_384;

/**
 * Memory for what is large and done with soon, used again then: new memory of that size is taken from the system page by page,
 * and each page costs as much as writing to it several times; and what is done with is found by a full collection of garbage.
 */
export class LentMemory {
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;

  /** At least so many bytes, and at most about twice as many, which hold what they held before. */
  lend(size: number): Buffer {
    const step = Math.max(STEP, 2 ** Math.ceil(Math.log2(size)) / 8);
    const rounded = Math.ceil(size / step) * step;
    for (let at = this.kept.length - 1; at >= 0; at--) {
      const memory = this.kept[at];
      // What is lent may stay with a payload for long: that must not hold much more than its own.
      if (memory === undefined || memory.length < size || memory.length > 2 * rounded) continue;
      this.kept.splice(at, 1);
      this.keptBytes -= memory.length;
      return memory;
    }
    return Buffer.allocUnsafeSlow(rounded);
  }

  /** Nobody reads it, or writes to it, any more. What is never given back is collected as garbage. */
  giveBack(memory: Buffer): void {
    if (memory.length > LARGEST_KEPT || this.keptBytes + memory.length > MOST_KEPT) return;
    this.kept.push(memory);
    this.keptBytes += memory.length;
  }
}
