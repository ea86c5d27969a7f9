/** Larger memory is not kept: bodies and payloads are smaller by default. */
const MOST_KEPT_BYTES = 4_194_304;

/** Memory for bytes that are done with at once, used again: large new memory is dear to have and to collect. */
export class ScratchMemory {
  private kept = Buffer.alloc(0);

  /** So many bytes, which hold what they held before. Valid until the next call. */
  take(size: number): Buffer {
    const memory = size <= this.kept.length ? this.kept : Buffer.allocUnsafeSlow(size);
    if (size <= MOST_KEPT_BYTES) this.kept = memory;
    return memory.subarray(0, size);
  }
}
