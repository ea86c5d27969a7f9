import { type BytePlatform, bytesToText, readUtf8Strictly } from "../bytes.js";

/** Arguments of one call; some engines take no more than 65,536. */
const CHUNK = 8192;

const encoder = new TextEncoder();

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

/** Base64 of any bytes, wherever their memory came from. */
export function bytesToBase64(bytes: Uint8Array): string {
  return portableBytes.writeBase64(bytes, bytes.length);
}

/** What the codec uses, where it is loaded for a platform without Buffer, or for any. */
export const platformBytes: BytePlatform = portableBytes;

/** Text that is most likely ASCII and large. @throws {TypeError} when it is not valid UTF-8 */
export const largeAsciiToText: (bytes: Uint8Array) => string = bytesToText;
