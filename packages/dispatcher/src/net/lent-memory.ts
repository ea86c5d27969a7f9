/** Larger memory is not kept. */
const LARGEST_KEPT = 4 * 1024 * 1024;
/** Of all that is kept. */
const MOST_KEPT = 16 * 1024 * 1024;
/** Sizes are rounded up to it, so that what is kept fits the next one. */
const STEP = 256 * 1024;

/**
 * Memory for large answers, used again once nobody reads them any more: what is new has to be had from the system page by page, and
 * to be collected as garbage.
 */
export class LentMemory {
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;

  /** So many bytes, which hold what they held before. */
  lend(size: number): Lent {
    const at = this.kept.findIndex(({ length }) => length >= size);
    const [memory = Buffer.allocUnsafeSlow(Math.ceil(size / STEP) * STEP)] = at < 0 ? [] : this.kept.splice(at, 1);
    if (at >= 0) this.keptBytes -= memory.length;
    return new Lent(memory.subarray(0, size), () => this.keep(memory));
  }

  private keep(memory: Buffer): void {
    if (memory.length > LARGEST_KEPT || this.keptBytes + memory.length > MOST_KEPT) return;
    this.kept.push(memory);
    this.keptBytes += memory.length;
  }
}

/** Memory that is lent, until all who hold it have released it. What is not released is collected as garbage. */
export class Lent {
  readonly bytes: Buffer;
  private readonly giveBack: () => void;
  private holders = 1;

  constructor(bytes: Buffer, giveBack: () => void) {
    this.bytes = bytes;
    this.giveBack = giveBack;
  }

  /** One more holds it. */
  hold(): void {
    this.holders++;
  }

  /** To be called once by each who holds it, who does not look at it any more. */
  release(): void {
    this.holders--;
    if (this.holders === 0) this.giveBack();
  }
}
