import { LongPayload } from "./long-payload.js";
import { sha256 } from "./sha256.js";
import type { Payload } from "./store/payloads.js";

/** Of a body whose long text is apart: that is in the payload, and hashed once somebody asks. */
const AROUND = "around:";

/**
 * What a request is told by: the SHA-256 of its body, in hexadecimal digits.
 *
 * @param isAround whether the body is without its long text
 */
export function fingerprintOf(body: string, isAround: boolean): string {
  return isAround ? AROUND + sha256(body) : sha256(body);
}

/** The fingerprint that was kept with a payload, as it is told: that of a body around a long text with the payload's own. */
export function toldFingerprint(kept: string, payload: Payload | null): string {
  if (!kept.startsWith(AROUND)) return kept;
  const own = payload instanceof LongPayload ? sha256(payload.bytes) : "";
  return sha256(`${kept.slice(AROUND.length)} ${own}`);
}
