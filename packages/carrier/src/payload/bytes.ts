/**
 * What the codec needs of the platform it runs on, twice: with the speed of Node's Buffer where there is one (Node, Bun,
 * Deno), and with nothing but the language and TextEncoder/TextDecoder. Which of them a program loads, `imports` of
 * package.json says (`#bytes`): a bundle for workers or browsers has nothing of the first.
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

export function readUtf8Strictly(source: Uint8Array, start: number, end: number): string | undefined {
  try {
    return strictDecoder().decode(source.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** Any bytes as UTF-8 text. A byte order mark is text. @throws {TypeError} when they are not valid UTF-8 */
export function bytesToText(bytes: Uint8Array): string {
  return strictDecoder().decode(bytes);
}
