import { isObject, type JsonObject } from "../../protocol/fields.js";

const SHA256_HEX = /^[0-9a-f]{64}$/i;

/**
 * What is asked for under a key: the activity type, and a hash of the arguments as sent. A payload by reference counts by
 * the hash in its reference, which is that of the text it would have inline: both forms of one payload agree.
 *
 * @param payload the task's payload envelope of arguments, not decoded; null for none
 */
export async function fingerprintOf(activityType: string, payload: JsonObject | null): Promise<string> {
  return `${activityType} ${await hashOf(payload)}`;
}

/** What two fingerprints that are not the same differ in. */
export function fingerprintDifference(one: string, other: string): "activity type" | "arguments" {
  return typeOf(one) === typeOf(other) ? "arguments" : "activity type";
}

function typeOf(fingerprint: string): string {
  return fingerprint.slice(0, Math.max(0, fingerprint.lastIndexOf(" ")));
}

async function hashOf(payload: JsonObject | null): Promise<string> {
  if (payload === null) return "none";
  const { codec, blob } = payload;
  const tag = typeof codec === "string" ? codec : "";
  if (typeof blob === "string") return `${tag}:${await sha256(blob)}`;
  const reference = payload["external_storage"] ?? payload["external_payload"];
  const stored = isObject(reference) ? reference["sha256"] : undefined;
  if (typeof stored === "string" && SHA256_HEX.test(stored)) return `${tag}:${stored.toLowerCase()}`;
  // Nothing that decodes; told apart all the same.
  return `${tag}:${await sha256(JSON.stringify(payload))}`;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  let hex = "";
  for (const byte of new Uint8Array(digest)) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
