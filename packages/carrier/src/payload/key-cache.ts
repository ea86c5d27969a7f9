/** Keys beyond this length are rare, and not worth comparing. */
const LONGEST = 32;
const SLOTS = 256;

export interface KeyCache {
  get(bytes: Uint8Array, start: number, length: number): string | undefined;
  /** Takes ASCII keys only: a key of as many characters as bytes. */
  set(bytes: Uint8Array, start: number, length: number, key: string): void;
}

/**
 * Remembers short ASCII map keys by their bytes: the same few keys come again and again, and a string that is already
 * known costs no allocation and makes the property write that follows cheaper. Bounded: a new key takes the place of
 * the one in its slot.
 */
export function createKeyCache(): KeyCache {
  const keys = Array.from<string>({ length: SLOTS }).fill("");
  /** The bytes of each slot's key, and their count; bytes compare faster than a string's characters. */
  const known = new Uint8Array(SLOTS * LONGEST);
  const lengths = new Uint8Array(SLOTS);
  return {
    get(bytes, start, length) {
      if (length === 0 || length > LONGEST) return undefined;
      const slot = slotOf(bytes, start, length);
      if (lengths[slot] !== length) return undefined;
      const base = slot * LONGEST;
      for (let index = 0; index < length; index++) {
        if (known[base + index] !== bytes[start + index]) return undefined;
      }
      return keys[slot];
    },
    set(bytes, start, length, key) {
      if (length === 0 || length > LONGEST || key.length !== length) return;
      const slot = slotOf(bytes, start, length);
      keys[slot] = key;
      lengths[slot] = length;
      known.set(bytes.subarray(start, start + length), slot * LONGEST);
    },
  };
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const first = bytes[start]!;
  const middle = bytes[start + (length >>> 1)]!;
  const last = bytes[start + length - 1]!;
  return (first * 7 + middle * 31 + last * 113 + length * 17) & (SLOTS - 1);
}
