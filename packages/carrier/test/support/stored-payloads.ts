import { createHash } from "node:crypto";
import { encodeAvroValue } from "../../src/payload/codec.js";
import type { ExternalPayloadReference } from "../../src/protocol/payload-reference.js";

export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A blob as payloads have them. */
export const BLOB = encodeAvroValue({ order: 7, note: "stored elsewhere" });

export const BLOB_BYTES = new TextEncoder().encode(BLOB);

/** A reference to {@link BLOB}, or to other bytes, wherever they lie. */
export function referenceTo(
  uri: string,
  data: Uint8Array | string = BLOB,
  changes: Partial<ExternalPayloadReference> = {},
): ExternalPayloadReference {
  const sizeBytes = typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
  return { uri, sha256: sha256(data), sizeBytes, codec: "avro", expiresAt: null, ...changes };
}

/** Text of a length that no codec reads, but that stores well: not a repetition of one character. */
export function longText(length: number): string {
  const line = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw0123456789";
  return line.repeat(Math.ceil(length / line.length)).slice(0, length);
}
