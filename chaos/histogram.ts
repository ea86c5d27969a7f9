/** Buckets of a factor: each next one is so much wider. */
const GROWTH = 1.02;
const LOG = Math.log(GROWTH);
/** Up to about an hour in milliseconds. */
const BUCKETS = 770;

/** Many milliseconds in little memory: a quantile is right within 2 %. */
export class Histogram {
  count = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(ms: number): void {
    this.count++;
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(Math.max(1, ms)) / LOG)));
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  /** @param share from 0 up to 1 @returns 0 where there is nothing */
  quantile(share: number): number {
    let left = Math.floor(this.count * share);
    if (this.count === 0) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.buckets[bucket] ?? 0;
      if (left < 0) return Math.round(GROWTH ** bucket);
    }
    return 0;
  }
}
