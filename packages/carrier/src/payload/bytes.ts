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
   * `target`, which has room for the `size` bytes that its length promises. Returns false when the text is not that.
   */
  readBase64(text: string, target: Uint8Array, size: number): boolean;
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

let decoder: InstanceType<typeof TextDecoder> | undefined;

/**
 * `fatal` refuses invalid UTF-8; `ignoreBOM` keeps a byte order mark instead of dropping it. Made on first use: it is the
 * dearest thing about importing this library.
 */
function strictDecoder(): InstanceType<typeof TextDecoder> {
  return (decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }));
}

const encoder = new TextEncoder();

function readUtf8Strictly(source: Uint8Array, start: number, end: number): string | undefined {
  try {
    return strictDecoder().decode(source.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** The language's own means only. */
export const portableBytes: BytePlatform = {
  allocate: (size) => new Uint8Array(size),

  readBase64(text, target) {
    let binary: string;
    try {
      binary = atob(text);
    } catch {
      return false;
    }
    // atob forgives white space, missing padding and stray trailing bits; what it read has only one strict form.
    if (btoa(binary) !== text) return false;
    for (let index = 0; index < binary.length; index++) target[index] = binary.charCodeAt(index);
    return true;
  },

  writeBase64(source, length) {
    let binary = "";
    for (let start = 0; start < length; start += CHUNK) {
      // Spreading would go through the array's iterator, which takes ten times as long.
      binary += Reflect.apply(String.fromCharCode, null, source.subarray(start, Math.min(start + CHUNK, length)));
    }
    return btoa(binary);
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
  allocUnsafeSlow(size: number): BufferBytes;
}

/** Arguments of one call; some engines take no more than 65,536. */
const CHUNK = 8192;

const OUTSIDE_LATIN1 = /[\u0100-\uffff]/;
const REPLACEMENT = "\ufffd";

function makeBufferBytes(buffer: BufferConstructorLike | undefined): BytePlatform | undefined {
  if (typeof buffer?.allocUnsafeSlow !== "function") return undefined;
  const probe = buffer.allocUnsafeSlow(4);
  for (const method of ["base64Write", "base64Slice", "utf8Write", "utf8Slice", "latin1Slice"] as const) {
    if (typeof probe[method] !== "function") return undefined;
  }
  return {
    allocate: (size) => buffer.allocUnsafeSlow(size),

    readBase64(text, target: BufferBytes, size) {
      // Buffer skips what is not base64, so that fewer bytes come out than the length promises; what it does not skip is
      // looked for: the URL alphabet, and characters beyond Latin-1, of which it takes the low byte.
      return (
        (text.length & 3) === 0 &&
        !OUTSIDE_LATIN1.test(text) &&
        target.base64Write(text, 0) === size &&
        !text.includes("-") &&
        !text.includes("_") &&
        // The last character before padding carries bits that belong to no byte; they must be zero.
        (size % 3 === 0 || (size % 3 === 1 ? "AQgw" : "AEIMQUYcgkosw048").includes(text[text.length + (size % 3) - 4]!))
      );
    },

    writeBase64: (source: BufferBytes, length) => source.base64Slice(0, length),
    writeUtf8: (target: BufferBytes, text, position) => target.utf8Write(text, position),

    readUtf8(source: BufferBytes, start, end) {
      if (isAscii(source, start, end)) return source.latin1Slice(start, end);
      const text = source.utf8Slice(start, end);
      // Invalid UTF-8 reads as U+FFFD, and so does U+FFFD itself: only then the slow, strict way tells them apart.
      return text.includes(REPLACEMENT) ? readUtf8Strictly(source, start, end) : text;
    },
  };
}

/** For scratch memory, whose words are aligned. */
function isAscii(source: Uint8Array, start: number, end: number): boolean {
  const words = new Int32Array(source.buffer, 0, source.length >>> 2);
  for (let position = start; position < end; ) {
    if ((position & 3) === 0 && position + 16 <= end) {
      const word = position >>> 2;
      if (((words[word]! | words[word + 1]! | words[word + 2]! | words[word + 3]!) & 0x80808080) !== 0) return false;
      position += 16;
    } else if (source[position++]! > 127) {
      return false;
    }
  }
  return true;
}

/** Node's Buffer, where it is. */
export const bufferBytes: BytePlatform | undefined = makeBufferBytes(
  (globalThis as unknown as { Buffer?: BufferConstructorLike }).Buffer,
);

/** Base64 of any bytes, wherever their memory came from. */
export function bytesToBase64(bytes: Uint8Array): string {
  return portableBytes.writeBase64(bytes, bytes.length);
}

/** Any bytes as UTF-8 text. A byte order mark is text. @throws {TypeError} when they are not valid UTF-8 */
export function bytesToText(bytes: Uint8Array): string {
  return strictDecoder().decode(bytes);
}

/**
 * {@link bytesToText} for what is most likely ASCII and large. A string that Buffer makes of more than a million bytes lies
 * outside the heap: base64 is read from such a one in half the time, and without another copy of it.
 */
export function largeAsciiToText(bytes: Uint8Array): string {
  if (bufferBytes === undefined || bytes.byteOffset !== 0 || !isAscii(bytes, 0, bytes.length))
    return bytesToText(bytes);
  // Buffer's methods take any bytes, wherever their memory came from.
  return (bufferBytes.allocate(0) as BufferBytes).latin1Slice.call(bytes, 0, bytes.length);
}
