import { largeAsciiToText } from "#bytes";
import { PayloadError } from "../payload/errors.js";
import type { ExternalPayloadReference } from "../protocol/payload-reference.js";
import { sizeMismatch } from "./body.js";
import { sha256OfBytes } from "./digest.js";
import { ExternalPayloadIntegrityError } from "./errors.js";

/** Bytes from which on it matters how many copies of them there are at once. */
const LARGE = 1024 * 1024;

/** WebCrypto hashes a copy, which Node lets go of one turn after it has told the outcome. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve);
  });
}

/**
 * The blob that stored bytes are, once they have proved to be the ones referred to: size first, then SHA-256.
 *
 * @throws {ExternalPayloadIntegrityError} when they are not
 * @throws {PayloadError} `invalid_payload_framing` when they are, and are no text
 */
export async function verifiedBlob(reference: ExternalPayloadReference, bytes: Uint8Array): Promise<string> {
  if (bytes.length !== reference.sizeBytes) throw sizeMismatch(reference.sizeBytes, bytes.length);
  const sha256 = await sha256OfBytes(bytes);
  if (bytes.length > LARGE) await nextTurn();
  if (sha256 !== reference.sha256) throw new ExternalPayloadIntegrityError("sha256", reference.sha256, sha256);
  try {
    return largeAsciiToText(bytes);
  } catch {
    throw new PayloadError("invalid_payload_framing", "the stored payload is not base64 text");
  }
}
