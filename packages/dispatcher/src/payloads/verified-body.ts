import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { readChunks } from "../net/read-chunks.js";

/** Bytes that are the ones referred to, or why they are not. */
export type VerifiedBody =
  | { readonly bytes: Buffer; readonly problem?: never }
  /** `cut_off`: the connection ended before the body did, so that the same request may succeed. */
  | { readonly problem: "cut_off" | "size" | "sha256"; readonly bytes?: never };

/**
 * Reads a body that must have a known size and SHA-256: into one buffer of that size, hashed as it comes. Of a longer one no
 * more is read. Never rejects, except with the reason of an abort.
 */
export async function readVerifiedBody(
  body: Readable,
  { sizeBytes, sha256 }: { readonly sizeBytes: number; readonly sha256: string },
): Promise<VerifiedBody> {
  // Pages are taken as they are written to: what never comes costs nothing.
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  const hash = createHash("sha256");
  let length = 0;
  try {
    const isAll = await readChunks(body, (chunk) => {
      if (length + chunk.length > sizeBytes) return false;
      bytes.set(chunk, length);
      hash.update(chunk);
      length += chunk.length;
      return true;
    });
    if (!isAll) return { problem: "size" };
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    return { problem: "cut_off" };
  }
  if (length !== sizeBytes) return { problem: "size" };
  return hash.digest("hex") === sha256 ? { bytes } : { problem: "sha256" };
}

/** What is hashed before others get a turn. */
const HASHED_AT_ONCE = 1024 * 1024;

/** SHA-256 in hex. A large payload does not hold up the other tasks. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += HASHED_AT_ONCE) {
    if (at > 0) await new Promise(setImmediate);
    hash.update(bytes.subarray(at, at + HASHED_AT_ONCE));
  }
  return hash.digest("hex");
}
