import { createHash } from "node:crypto";
import { decodePayload, isPayloadError, projectForJson } from "@durable-workflow/carrier/payload";
import { isObject } from "@durable-workflow/engine-protocol";
import {
  holdsRuntimePayload,
  type RuntimePayloadReference,
  readRuntimePayloadReference,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { Payload } from "../api/index.js";
import { cutText } from "../text.js";

/** Characters of JSON that a view holds; longer ones are fetched by parts. */
const LONGEST_JSON = 65_536;
/** Of base64: what is longer cannot be that short. */
const LONGEST_BLOB = 131_072;

export const NO_PAYLOAD: Payload = {
  state: "none",
  codec: null,
  sizeBytes: null,
  sha256: null,
  referenceId: null,
  json: null,
  problem: null,
};

/** What an engine says of a payload: the payload, or a reference to it, or how long it is. */
export type Told =
  | { readonly codec: string; readonly blob: string }
  | { readonly codec: string; readonly reference: RuntimePayloadReference }
  | { readonly codec: string; readonly length: number }
  | { readonly unreadable: string };

/** Reads an envelope as engines write it; text alone is the blob. Undefined for none. */
export function toldOf(payload: unknown): Told | undefined {
  if (payload === null || payload === undefined) return undefined;
  if (typeof payload === "string") return { codec: "avro", blob: payload };
  if (holdsRuntimePayload(payload)) {
    const { reference } = readRuntimePayloadReference(payload.external_payload);
    if (reference === undefined) return { unreadable: "its reference cannot be read" };
    return { codec: reference.codec, reference };
  }
  if (isObject(payload) && typeof payload["blob"] === "string") {
    return { codec: typeof payload["codec"] === "string" ? payload["codec"] : "", blob: payload["blob"] };
  }
  return { unreadable: "it is held where only carriers can read it" };
}

/** Bytes that so many characters of base64 stand for. */
export function bytesOf(length: number, blob = ""): number {
  const padding = blob.endsWith("==") ? 2 : blob.endsWith("=") ? 1 : 0;
  return Math.max(0, Math.floor((length * 3) / 4) - padding);
}

export function payloadOf(told: Told | undefined): Payload {
  if (told === undefined) return NO_PAYLOAD;
  if ("unreadable" in told) return { ...NO_PAYLOAD, state: "undecodable", problem: told.unreadable };
  const { codec } = told;
  if ("reference" in told) {
    const { reference_id, sha256, size_bytes } = told.reference;
    return {
      ...NO_PAYLOAD,
      state: "reference",
      codec,
      sizeBytes: bytesOf(size_bytes),
      sha256,
      referenceId: reference_id,
    };
  }
  if ("length" in told) return { ...NO_PAYLOAD, state: "large", codec, sizeBytes: bytesOf(told.length) };
  const sizeBytes = bytesOf(told.blob.length, told.blob);
  const sha256 = createHash("sha256").update(told.blob).digest("hex");
  const base = { ...NO_PAYLOAD, codec, sizeBytes, sha256 };
  if (told.blob.length > LONGEST_BLOB) return { ...base, state: "large" };
  const text = jsonOf(told);
  if ("problem" in text) return { ...base, state: "undecodable", problem: text.problem };
  return text.json.length > LONGEST_JSON ? { ...base, state: "large" } : { ...base, state: "value", json: text.json };
}

/** The exact JSON text of a payload, indented. */
export function jsonOf(envelope: {
  readonly codec: string;
  readonly blob: string;
}): { readonly json: string } | { readonly problem: string } {
  try {
    return { json: JSON.stringify(projectForJson(decodePayload(envelope, { lossless: true })), null, 2) };
  } catch (error) {
    if (isPayloadError(error)) return { problem: cutText(error.message, 1_000) };
    throw error;
  }
}
