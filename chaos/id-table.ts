const FIRST_SIZE = 1 << 12;

/**
 * A byte for each of many ids, in about 20 bytes each: ids are kept as hashes of 62 bits, of which a million differ but for a
 * chance of one in millions of millions.
 */
export class IdTable {
  size = 0;
  private high = new Uint32Array(FIRST_SIZE);
  private low = new Uint32Array(FIRST_SIZE);
  private bytes = new Uint8Array(FIRST_SIZE);

  /** @returns what is there, or undefined */
  get(id: string): number | undefined {
    const [high, low] = hashOf(id);
    const place = this.placeOf(high, low);
    return this.high[place] === 0 ? undefined : this.bytes[place];
  }

  set(id: string, byte: number): void {
    const [high, low] = hashOf(id);
    this.put(high, low, byte);
    if (this.size * 2 > this.high.length) this.grow();
  }

  private put(high: number, low: number, byte: number): void {
    const place = this.placeOf(high, low);
    if (this.high[place] === 0) this.size++;
    this.high[place] = high;
    this.low[place] = low;
    this.bytes[place] = byte;
  }

  private placeOf(high: number, low: number): number {
    const mask = this.high.length - 1;
    let place = low & mask;
    while (this.high[place] !== 0 && (this.high[place] !== high || this.low[place] !== low)) place = (place + 1) & mask;
    return place;
  }

  private grow(): void {
    const { high, low, bytes } = this;
    this.size = 0;
    this.high = new Uint32Array(high.length * 2);
    this.low = new Uint32Array(high.length * 2);
    this.bytes = new Uint8Array(high.length * 2);
    for (let place = 0; place < high.length; place++) {
      const one = high[place] ?? 0;
      if (one !== 0) this.put(one, low[place] ?? 0, bytes[place] ?? 0);
    }
  }
}

/** Two independent hashes; the first is never 0. */
function hashOf(id: string): readonly [number, number] {
  let [one, other] = [0x811c9dc5, 0x2545f491];
  for (let at = 0; at < id.length; at++) {
    const code = id.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul((other << 5) ^ (other >>> 27) ^ code, 0x9e3779b1);
  }
  one = Math.imul(one ^ (one >>> 15), 0x85ebca6b);
  other = Math.imul(other ^ (other >>> 16), 0xc2b2ae35);
  return [((one ^ (one >>> 13)) | 1) >>> 0, (other ^ (other >>> 16)) >>> 0];
}
