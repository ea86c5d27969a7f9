/** Keys beyond this length are rare, and not worth comparing. */
const LONGEST = 32;
const SLOTS = 256;

/**
 * Remembers short ASCII map keys by their bytes: the same few keys come again and again, and a string that is already
 * known costs no allocation and makes the property write that follows cheaper. Bounded: a new key takes the place of
 * the one in its slot.
 */
export class KeyCache {
  private readonly keys = new Array<string>(SLOTS).fill("");
  /** The bytes of each slot's key, and their count; bytes compare faster than a string's characters. */
  private readonly known = new Uint8Array(SLOTS * LONGEST);
  private readonly lengths = new Uint8Array(SLOTS);

  get(bytes: Uint8Array, start: number, length: number): string | undefined {
    if (length === 0 || length > LONGEST) return undefined;
    const slot = slotOf(bytes, start, length);
    if (this.lengths[slot] !== length) return undefined;
    const known = this.known;
    const base = slot * LONGEST;
    for (let index = 0; index < length; index++) {
      if (known[base + index] !== bytes[start + index]) return undefined;
    }
    return this.keys[slot];
  }

  /** Takes ASCII keys only: a key of as many characters as bytes. Never knows `__proto__`, which needs care. */
  set(bytes: Uint8Array, start: number, length: number, key: string): void {
    if (length === 0 || length > LONGEST || key.length !== length || key === "__proto__") return;
    const slot = slotOf(bytes, start, length);
    this.keys[slot] = key;
    this.lengths[slot] = length;
    for (let index = 0; index < length; index++) this.known[slot * LONGEST + index] = bytes[start + index] as number;
  }
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const first = bytes[start] as number;
  const middle = bytes[start + (length >>> 1)] as number;
  const last = bytes[start + length - 1] as number;
  return (first * 7 + middle * 31 + last * 113 + length * 17) & (SLOTS - 1);
}
