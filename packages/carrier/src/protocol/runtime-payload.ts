import { AVRO_CODEC } from "./constants.js";
import { isObject, type JsonObject } from "./fields.js";
import type { RuntimePayloadEnvelope } from "./wire.js";

/**
 * The part of the engine's way with large payloads that a carrier needs which fetches and uploads them itself. The whole of
 * it is `@durable-workflow/engine-protocol/external-payloads`, which depends on this package.
 */

export const PAYLOADS_PATH = "/api/external-payloads/v1";
export const CLUSTER_INFO_PATH = "/api/cluster/info";
const REFERENCE_SCHEMA = "durable-workflow.v2.runtime-external-payload-reference.v1";
const TRANSPORT_SCHEMA = "durable-workflow.v2.runtime-external-payload-transport.v1";
const REFERENCE_ID = /^ep_[0-9A-HJKMNP-TV-Z]{26}$/;
const SHA256 = /^[\da-f]{64}$/;

/** A payload that the engine keeps for a namespace. */
export interface RuntimePayloadReference {
  readonly id: string;
  /** Of the characters of the payload's base64 blob. */
  readonly sizeBytes: number;
  /** The same; 64 lower-case hex digits. */
  readonly sha256: string;
}

/** Whether a payload envelope holds a reference of the engine's, and no blob. */
export function isRuntimePayload(envelope: JsonObject): boolean {
  return typeof envelope["blob"] !== "string" && "external_payload" in envelope;
}

/** Reads a reference: exactly its five keys. Undefined for anything else. */
export function readRuntimePayloadReference(value: unknown): RuntimePayloadReference | undefined {
  if (!isObject(value) || Object.keys(value).length !== 5) return undefined;
  const { schema, reference_id: id, codec, size_bytes: sizeBytes, sha256 } = value;
  if (schema !== REFERENCE_SCHEMA || codec !== AVRO_CODEC || typeof id !== "string" || !REFERENCE_ID.test(id)) {
    return undefined;
  }
  if (typeof sizeBytes !== "number" || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined;
  const hash = typeof sha256 === "string" ? sha256.toLowerCase() : "";
  return SHA256.test(hash) ? { id, sizeBytes, sha256: hash } : undefined;
}

/** A payload envelope that holds a reference, with exactly its two keys. */
export function runtimePayloadEnvelope({ id, sizeBytes, sha256 }: RuntimePayloadReference): RuntimePayloadEnvelope {
  const reference = { schema: REFERENCE_SCHEMA, reference_id: id, codec: AVRO_CODEC, size_bytes: sizeBytes, sha256 };
  return { codec: AVRO_CODEC, external_payload: reference };
}

/** The headers of an upload and of a fetch. */
export function runtimePayloadHeaders({
  sizeBytes,
  sha256,
}: Omit<RuntimePayloadReference, "id">): Record<string, string> {
  return {
    "X-Durable-Workflow-Payload-Codec": AVRO_CODEC,
    "X-Durable-Workflow-Payload-Size": String(sizeBytes),
    "X-Durable-Workflow-Payload-SHA256": sha256,
  };
}

/** The reference in the answer to an upload; undefined where there is none, or one to other bytes. */
export function readUploadedReference(
  answer: unknown,
  { sizeBytes, sha256 }: Omit<RuntimePayloadReference, "id">,
): RuntimePayloadReference | undefined {
  const reference = isObject(answer) ? readRuntimePayloadReference(answer["reference"]) : undefined;
  return reference?.sizeBytes === sizeBytes && reference.sha256 === sha256 ? reference : undefined;
}

/** What an engine takes. */
export interface RuntimePayloadLimits {
  /** Payloads from this size on are uploaded. Infinity where the engine keeps none. */
  readonly thresholdBytes: number;
  readonly maxPayloadBytes: number;
}

/** What cluster info says of payloads of the namespace that it was asked for in; undefined for what cannot be followed. */
export function readRuntimePayloadLimits(clusterInfo: unknown): RuntimePayloadLimits | undefined {
  const namespace = objectAt(clusterInfo, "namespace");
  const storage = objectAt(namespace, "external_payload_storage");
  const transport = objectAt(storage, "transport");
  if (transport["schema"] !== TRANSPORT_SCHEMA) {
    return { thresholdBytes: Number.POSITIVE_INFINITY, maxPayloadBytes: 0 };
  }
  const isKnown = transport["version"] === 1 && transport["reference_schema"] === REFERENCE_SCHEMA;
  const thresholdBytes = storage["threshold_bytes"];
  const maxPayloadBytes = objectAt(transport, "limits")["max_payload_bytes"];
  return isKnown && isSize(thresholdBytes) && isSize(maxPayloadBytes) ? { thresholdBytes, maxPayloadBytes } : undefined;
}

/** What an engine's refusal is about. */
export interface RuntimePayloadRefusal {
  /** `external_payload_not_found` and the like. */
  readonly reason: string;
  readonly retryable: boolean;
}

/** Reads a refusal; undefined for an answer that is not the engine's word about the payload. */
export function readRuntimePayloadRefusal(body: unknown): RuntimePayloadRefusal | undefined {
  if (!isObject(body)) return undefined;
  const { reason, retryable } = body;
  if (typeof reason !== "string" || !/^external_payload_[a-z_]{1,60}$/.test(reason)) return undefined;
  return { reason, retryable: retryable !== false };
}

function objectAt(value: unknown, key: string): JsonObject {
  const found = isObject(value) ? value[key] : undefined;
  return isObject(found) ? found : {};
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
