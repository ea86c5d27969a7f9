/**
 * What the codec needs of the platform it runs on, twice: with the speed of Node's Buffer where there is one (Node, Bun,
 * Deno), and with nothing but the language and TextEncoder/TextDecoder.
 *
 * Buffer is looked up at run time and described by the few methods used here, so that this file compiles without Node's
 * types and bundles for browsers stay free of a polyfill.
 */
export interface BytePlatform {
  /** Memory that is not cleared. */
  allocate(size: number): Uint8Array;
  /**
   * Writes what strict base64 stands for (padded, standard alphabet, no whitespace, zero trailing bits) to the front of
   * `target`, which has room for it. Returns false when the text is not that.
   */
  readBase64(text: string, target: Uint8Array): boolean;
  /** Base64 of the first `length` bytes. */
  writeBase64(source: Uint8Array, length: number): string;
  /** Writes UTF-8 at `position`, where there is room, and returns the count of bytes; lone surrogates become U+FFFD. */
  writeUtf8(target: Uint8Array, text: string, position: number): number;
  /** Reads UTF-8; undefined when it is not valid. A byte order mark is text. */
  readUtf8(source: Uint8Array, start: number, end: number): string | undefined;
}

/** How many bytes padded base64 of this length stands for. */
export function base64ByteLength(text: string): number {
  const length = text.length;
  const padding = text[length - 1] !== "=" ? 0 : text[length - 2] !== "=" ? 1 : 2;
  return Math.max(0, (length >>> 2) * 3 - padding);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const INVALID = 0xff;
/** Character code to its six bits. */
const SEXTETS = new Uint8Array(256).fill(INVALID);
for (let sextet = 0; sextet < 64; sextet++) SEXTETS[ALPHABET.charCodeAt(sextet)] = sextet;

/** False when the last character before the padding carries bits that belong to no byte. */
function trailingBitsAreZero(text: string, bytes: number): boolean {
  const spare = bytes % 3;
  if (spare === 0) return true;
  const last = SEXTETS[text.charCodeAt(text.length - (spare === 1 ? 3 : 2))] as number;
  return (last & (spare === 1 ? 0x0f : 0x03)) === 0;
}

/** `fatal` refuses invalid UTF-8; `ignoreBOM` keeps a byte order mark instead of dropping it. */
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function readUtf8Strictly(source: Uint8Array, start: number, end: number): string | undefined {
  try {
    return strictDecoder.decode(source.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** Pairs of base64 characters by their twelve bits: one look-up for each three bytes' half. Made on first use. */
let pairCodes: Uint16Array | undefined;
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function makePairCodes(): Uint16Array {
  const codes = new Uint16Array(4096);
  for (let bits = 0; bits < 4096; bits++) {
    const first = ALPHABET.charCodeAt(bits >>> 6);
    const second = ALPHABET.charCodeAt(bits & 63);
    codes[bits] = littleEndian ? first | (second << 8) : (first << 8) | second;
  }
  return codes;
}

const asciiDecoder = new TextDecoder("utf-8");

/** The language's own means only. */
export const portableBytes: BytePlatform = {
  allocate: (size) => new Uint8Array(size),

  readBase64(text, target) {
    const length = text.length;
    if ((length & 3) !== 0) return false;
    if (length === 0) return true;
    const size = base64ByteLength(text);
    const table = SEXTETS;
    let read = 0;
    let written = 0;
    // Bits of characters outside the table are gathered, and looked at once.
    let strange = 0;
    for (const whole = size - (size % 3); written < whole; ) {
      const a = text.charCodeAt(read);
      const b = text.charCodeAt(read + 1);
      const c = text.charCodeAt(read + 2);
      const d = text.charCodeAt(read + 3);
      read += 4;
      strange |= a | b | c | d;
      const e = table[a & 0xff] as number;
      const f = table[b & 0xff] as number;
      const g = table[c & 0xff] as number;
      const h = table[d & 0xff] as number;
      if (((e | f | g | h) & 0xc0) !== 0) return false;
      target[written] = (e << 2) | (f >>> 4);
      target[written + 1] = (f << 4) | (g >>> 2);
      target[written + 2] = (g << 6) | h;
      written += 3;
    }
    if (written < size) {
      const a = text.charCodeAt(read);
      const b = text.charCodeAt(read + 1);
      const c = size - written === 2 ? text.charCodeAt(read + 2) : 65;
      strange |= a | b | c;
      const e = table[a & 0xff] as number;
      const f = table[b & 0xff] as number;
      const g = table[c & 0xff] as number;
      if (((e | f | g) & 0xc0) !== 0) return false;
      target[written] = (e << 2) | (f >>> 4);
      if (size - written === 2) target[written + 1] = (f << 4) | (g >>> 2);
    }
    return strange < 256 && trailingBitsAreZero(text, size);
  },

  writeBase64(source, length) {
    pairCodes ??= makePairCodes();
    const pairs = pairCodes;
    const units = new Uint16Array(Math.ceil(length / 3) * 2);
    let read = 0;
    let written = 0;
    for (const whole = length - (length % 3); read < whole; read += 3) {
      const bits =
        ((source[read] as number) << 16) | ((source[read + 1] as number) << 8) | (source[read + 2] as number);
      units[written] = pairs[bits >>> 12] as number;
      units[written + 1] = pairs[bits & 0xfff] as number;
      written += 2;
    }
    const characters = new Uint8Array(units.buffer);
    if (read < length) {
      const two = length - read === 2;
      const bits = ((source[read] as number) << 16) | (two ? (source[read + 1] as number) << 8 : 0);
      units[written] = pairs[bits >>> 12] as number;
      units[written + 1] = pairs[bits & 0xfff] as number;
      characters[written * 2 + 3] = 61;
      if (!two) characters[written * 2 + 2] = 61;
    }
    return asciiDecoder.decode(characters);
  },

  writeUtf8: (target, text, position) => encoder.encodeInto(text, target.subarray(position)).written,
  readUtf8: readUtf8Strictly,
};

/** The part of Buffer's instance methods used here; the `*Write` and `*Slice` ones skip `write`'s and `toString`'s dispatch. */
interface BufferBytes extends Uint8Array {
  base64Write(text: string, offset: number): number;
  base64Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number): number;
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

interface BufferConstructorLike {
  allocUnsafeSlow?(size: number): BufferBytes;
}

const OUTSIDE_LATIN1 = /[^\u0000-\u00ff]/;
const REPLACEMENT = "\ufffd";

function makeBufferBytes(buffer: BufferConstructorLike | undefined): BytePlatform | undefined {
  const probe = buffer?.allocUnsafeSlow?.(4);
  if (probe === undefined) return undefined;
  for (const method of ["base64Write", "base64Slice", "utf8Write", "utf8Slice", "latin1Slice"] as const) {
    if (typeof probe[method] !== "function") return undefined;
  }
  return {
    allocate: (size) => (buffer as Required<BufferConstructorLike>).allocUnsafeSlow(size),

    readBase64(text, target) {
      // Buffer skips what is not base64, so that fewer bytes come out than the length promises; what it does not skip is
      // looked for: the URL alphabet, and characters beyond Latin-1, of which it takes the low byte.
      const size = base64ByteLength(text);
      return (
        (text.length & 3) === 0 &&
        !OUTSIDE_LATIN1.test(text) &&
        (target as BufferBytes).base64Write(text, 0) === size &&
        !text.includes("-") &&
        !text.includes("_") &&
        trailingBitsAreZero(text, size)
      );
    },

    writeBase64: (source, length) => (source as BufferBytes).base64Slice(0, length),
    writeUtf8: (target, text, position) => (target as BufferBytes).utf8Write(text, position),

    readUtf8(source, start, end) {
      if (isAscii(source, start, end)) return (source as BufferBytes).latin1Slice(start, end);
      const text = (source as BufferBytes).utf8Slice(start, end);
      // Invalid UTF-8 reads as U+FFFD, and so does U+FFFD itself: only then the slow, strict way tells them apart.
      return text.includes(REPLACEMENT) ? readUtf8Strictly(source, start, end) : text;
    },
  };
}

function isAscii(source: Uint8Array, start: number, end: number): boolean {
  let position = start;
  for (; position < end && (position & 3) !== 0; position++) if ((source[position] as number) > 127) return false;
  const words = new Int32Array(source.buffer, source.byteOffset, source.byteLength >>> 2);
  const lastWord = end >>> 2;
  let word = position >>> 2;
  for (; word + 4 <= lastWord; word += 4) {
    const bits =
      (words[word] as number) | (words[word + 1] as number) | (words[word + 2] as number) | (words[word + 3] as number);
    if ((bits & 0x80808080) !== 0) return false;
  }
  for (position = Math.max(position, word << 2); position < end; position++) {
    if ((source[position] as number) > 127) return false;
  }
  return true;
}

/** Node's Buffer, where it is. */
export const bufferBytes: BytePlatform | undefined = makeBufferBytes(
  (globalThis as { Buffer?: BufferConstructorLike }).Buffer,
);

/** Base64 of any bytes, wherever their memory came from. */
export function bytesToBase64(bytes: Uint8Array): string {
  return portableBytes.writeBase64(bytes, bytes.length);
}
