import { type BytePlatform, bytesToText, readUtf8Strictly } from "../bytes.js";
import { portableBytes } from "./portable.js";

// Buffer is looked up at run time and described by the few methods used here, so that this file compiles without Node's types.

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

/** What the codec uses, where it is loaded for a platform with Buffer: some lack methods of it. */
export const platformBytes: BytePlatform = bufferBytes ?? portableBytes;

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
