import { encodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { demandsOf } from "@durable-workflow/engine-protocol";
import {
  holdsRuntimePayload,
  PAYLOAD_REFERENCE_SCHEMA,
  type RuntimePayloadEnvelope,
  type RuntimePayloadReference,
  readRuntimePayloadEnvelope,
  runtimePayloadEnvelope,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { Call } from "../http/call.js";
import { invalidField, isObject, isStorable } from "../http/fields.js";
import type { LongText } from "../http/long-text.js";
import { LongPayload } from "../long-payload.js";
import { isBlob, type Payload, type PayloadReference } from "../store/payloads.js";
import { encodeAround, textOf } from "./long-texts.js";
import { PayloadRefusedError } from "./payload-errors.js";

/** A payload as it travels. */
export type Envelope = { readonly codec: string; readonly blob: string } | RuntimePayloadEnvelope;

export function envelope(payload: Payload): Envelope {
  if (!isBlob(payload)) return runtimePayloadEnvelope(referenceToWire(payload));
  // In JSON a long payload is a text, and documents are made for nothing else.
  return { codec: AVRO_CODEC, blob: payload as string };
}

export function envelopeOrNull(payload: Payload | null): Envelope | null {
  return payload === null ? null : envelope(payload);
}

/** A payload where history has it: the blob without its envelope, or the whole envelope of a reference. */
export function inHistory(payload: Payload | null): string | RuntimePayloadEnvelope | null {
  if (payload instanceof LongPayload) return payload.text();
  return payload === null || typeof payload === "string" ? payload : runtimePayloadEnvelope(referenceToWire(payload));
}

export function referenceToWire({ referenceId, sizeBytes, sha256 }: PayloadReference): RuntimePayloadReference {
  return {
    schema: PAYLOAD_REFERENCE_SCHEMA,
    reference_id: referenceId,
    codec: AVRO_CODEC,
    size_bytes: sizeBytes,
    sha256,
  };
}

/**
 * A payload that came: the blob of an envelope, read no further; the reference of one; any other value encoded. An object with
 * `codec`, `blob` and one key more is such a value.
 *
 * @param long what the mark in it stands for. Default: there is none
 * @throws {ReplyError} 422
 */
export function readPayload(value: unknown, field: string, long?: LongText): Payload {
  const reference = readReference(value, field);
  if (reference !== undefined) return reference;
  if (!isEnvelope(value)) return encode(value, field, long);
  if (value["codec"] !== AVRO_CODEC) throw invalidField(`${field}.codec`, unsupportedCodec(value["codec"]));
  if (long !== undefined) return long.payload ?? textOf(long);
  const { blob } = value;
  if (typeof blob !== "string" || !isStorable(blob))
    throw invalidField(`${field}.blob`, "The payload envelope blob must be a string.");
  return blob;
}

/**
 * The reference of an envelope that holds one; undefined for everything else.
 *
 * @throws {PayloadRefusedError} for one that violates the contract
 */
export function readReference(value: unknown, field: string): PayloadReference | undefined {
  if (!holdsRuntimePayload(value) || !Object.hasOwn(value, "codec")) return undefined;
  const read = readRuntimePayloadEnvelope(value, field);
  if (read.reference === undefined) {
    throw new PayloadRefusedError({ reason: read.refusal, message: `${demandsOf(read.violations)}.` });
  }
  const { reference_id, codec, size_bytes, sha256 } = read.reference;
  return { referenceId: reference_id, codec, sizeBytes: size_bytes, sha256 };
}

/**
 * References to storage of the client's own are refused wherever in a body they stand: only the engine's own can be resolved
 * by everybody who reads them.
 *
 * @throws {PayloadRefusedError}
 */
export function refuseStorageReferences({ rawBody, body }: Pick<Call, "rawBody" | "body">): void {
  // Most bodies do not hold the word, however it is spelt.
  if (!rawBody.includes("external_storage") && !rawBody.includes(String.raw`\u`)) return;
  if (!holdsStorageReference(body)) return;
  throw new PayloadRefusedError({
    reason: "external_payload_unsupported",
    message: "external_storage is not taken in requests: upload the payload to the engine, and send external_payload.",
  });
}

function holdsStorageReference(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsStorageReference);
  if (!isObject(value)) return false;
  return Object.hasOwn(value, "external_storage") || Object.values(value).some(holdsStorageReference);
}

/** Exactly two keys make an envelope. */
export function isEnvelope(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && Object.keys(value).length === 2 && "codec" in value && "blob" in value;
}

/** @param long what the mark in the value stands for. Default: there is none */
export function encode(value: unknown, field: string, long?: LongText): Payload {
  try {
    return long === undefined ? encodeAvroValue(value) : encodeAround(value, long);
  } catch (error) {
    if (isPayloadError(error)) throw invalidField(field, error.message);
    throw error;
  }
}

function unsupportedCodec(codec: unknown): string {
  const named =
    typeof codec === "string" ? `payload codec ${JSON.stringify(codec.slice(0, 80))}` : "a payload without codec";
  return `unsupported_payload_codec: ${named} is not supported by Durable Workflow 2.0; use codec="avro" with the fixed Avro Value schema and single-object framing. JSON remains the HTTP document transport, not a workflow payload codec.`;
}
