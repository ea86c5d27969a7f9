const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * Lower-case hex of the SHA-256 of the bytes, by WebCrypto.
 *
 * @throws {TypeError} (as a rejection) where there is none, as on pages without TLS
 */
export async function sha256OfBytes(bytes: Uint8Array): Promise<string> {
  const subtle: typeof crypto.subtle | undefined = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new TypeError("external storage needs WebCrypto (crypto.subtle), which this runtime or page does not have");
  }
  // Nothing here shares memory between threads, which is what the narrower type excludes.
  const digest = await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  let hex = "";
  for (const byte of new Uint8Array(digest)) hex += HEX[byte]!;
  return hex;
}

export function hexToBase64(hex: string): string {
  return btoa(String.fromCharCode(...Array.from(hex.matchAll(/../g), ([pair]) => Number.parseInt(pair, 16))));
}
