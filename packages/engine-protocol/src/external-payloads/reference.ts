import {
  AVRO_CODEC,
  type ContractViolation,
  describeReceived,
  isObject,
  type JsonObject,
} from "@durable-workflow/carrier/protocol";
import type { PayloadMetadata } from "./headers.js";
import { readSha256 } from "./headers.js";
import { PAYLOAD_REFERENCE_SCHEMA } from "./schemas.js";

/**
 * Stands for a payload that the engine keeps for a namespace. Opaque: only the engine that gave it out reads it. The bytes
 * are the characters of the payload's base64 blob, and the size and the hash are theirs.
 */
export interface RuntimePayloadReference {
  readonly schema: typeof PAYLOAD_REFERENCE_SCHEMA;
  /** `ep_` and 26 characters of Crockford's base 32, upper case. */
  readonly reference_id: string;
  readonly codec: typeof AVRO_CODEC;
  readonly size_bytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** A payload envelope that holds a reference in place of the blob: exactly these two keys. */
export interface RuntimePayloadEnvelope {
  readonly codec: typeof AVRO_CODEC;
  readonly external_payload: RuntimePayloadReference;
}

/** The form of the id of a large payload: `ep_` and a ULID. */
export const REFERENCE_ID = /^ep_[0-9A-HJKMNP-TV-Z]{26}$/;

/** A reference that was read, or what is wrong with it. */
export type ReadReference =
  | { readonly reference: RuntimePayloadReference; readonly violations?: never }
  | { readonly reference?: never; readonly violations: readonly ContractViolation[] };

const REFERENCE_KEYS: ReadonlySet<string> = new Set<keyof RuntimePayloadReference>([
  "schema",
  "reference_id",
  "codec",
  "size_bytes",
  "sha256",
]);

/**
 * Reads a reference: exactly its five keys. A hash in upper case is read, and is lower case from there on.
 *
 * @param value a parsed JSON document
 * @param path where it stands, for the violations
 */
export function readRuntimePayloadReference(value: unknown, path = ""): ReadReference {
  const violations: ContractViolation[] = [];
  const refuse = (key: string, expected: string, received: string): void => {
    violations.push({ path: key === "" ? path : path === "" ? key : `${path}.${key}`, expected, received });
  };
  if (!isObject(value)) {
    refuse("", "an object", describeReceived(value));
    return { violations };
  }
  const { schema, reference_id, codec, size_bytes, sha256 } = value;
  if (schema !== PAYLOAD_REFERENCE_SCHEMA) {
    refuse("schema", JSON.stringify(PAYLOAD_REFERENCE_SCHEMA), describeReceived(schema));
  }
  if (typeof reference_id !== "string" || !REFERENCE_ID.test(reference_id)) {
    refuse("reference_id", "ep_ and 26 characters of base 32", describeReceived(reference_id));
  }
  if (codec !== AVRO_CODEC) refuse("codec", JSON.stringify(AVRO_CODEC), describeReceived(codec));
  if (typeof size_bytes !== "number" || !Number.isSafeInteger(size_bytes) || size_bytes < 0) {
    refuse("size_bytes", "an integer >= 0", describeReceived(size_bytes));
  }
  const hash = readSha256(sha256);
  if (hash === undefined) refuse("sha256", "64 hex digits", describeReceived(sha256));
  for (const key of Object.keys(value)) {
    if (!REFERENCE_KEYS.has(key)) refuse("", "a reference without other keys than its five", "an object");
  }
  if (violations.length > 0) return { violations };
  return {
    reference: {
      schema: PAYLOAD_REFERENCE_SCHEMA,
      reference_id: reference_id as string,
      codec: AVRO_CODEC,
      size_bytes: size_bytes as number,
      sha256: hash as string,
    },
  };
}

/** Whether a payload envelope holds a reference of the engine's, well-formed or not. */
export function holdsRuntimePayload(value: unknown): value is JsonObject & { readonly external_payload: unknown } {
  return isObject(value) && Object.hasOwn(value, "external_payload");
}

/** Whether a payload envelope holds a reference of the old form, which engines of today refuse in requests. */
export function holdsStoredPayload(value: unknown): value is JsonObject & { readonly external_storage: unknown } {
  return isObject(value) && Object.hasOwn(value, "external_storage");
}

/** The reason by which an engine refuses an envelope that holds a reference. */
export type EnvelopeRefusal = "external_payload_unsupported" | "external_payload_integrity_mismatch";

/** A payload by reference that was read, or why it is refused. */
export type ReadRuntimePayloadEnvelope =
  | { readonly reference: RuntimePayloadReference; readonly refusal?: never }
  | {
      readonly reference?: never;
      readonly refusal: EnvelopeRefusal;
      readonly violations: readonly ContractViolation[];
    };

/**
 * Reads a payload envelope that holds a reference: exactly `codec` and `external_payload`. A codec that is not the
 * reference's own is an `external_payload_integrity_mismatch`, everything else an `external_payload_unsupported`.
 */
export function readRuntimePayloadEnvelope(value: unknown, path = ""): ReadRuntimePayloadEnvelope {
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  if (!holdsRuntimePayload(value)) {
    const violation = {
      path,
      expected: "an object with codec and external_payload",
      received: describeReceived(value),
    };
    return { refusal: "external_payload_unsupported", violations: [violation] };
  }
  const read = readRuntimePayloadReference(value.external_payload, at("external_payload"));
  const violations: ContractViolation[] = [...(read.violations ?? [])];
  const others = Object.keys(value).filter((key) => key !== "codec" && key !== "external_payload");
  if (others.length > 0) {
    violations.push({
      path,
      expected: "an object with codec and external_payload, and nothing else",
      received: "an object",
    });
  }
  if (violations.length > 0 || read.reference === undefined) {
    return { refusal: "external_payload_unsupported", violations };
  }
  if (value["codec"] === read.reference.codec) return { reference: read.reference };
  const violation = {
    path: at("codec"),
    expected: "the codec of the reference",
    received: describeReceived(value["codec"]),
  };
  return { refusal: "external_payload_integrity_mismatch", violations: [violation] };
}

/** The payload envelope of a reference. */
export function runtimePayloadEnvelope(reference: RuntimePayloadReference): RuntimePayloadEnvelope {
  return { codec: reference.codec, external_payload: reference };
}

/** What a reference says of the bytes that it stands for. */
export function metadataOf(reference: RuntimePayloadReference): PayloadMetadata {
  return { codec: reference.codec, sizeBytes: reference.size_bytes, sha256: reference.sha256 };
}

/** Whether two references stand for the same bytes under the same id. */
export function isSameReference(one: RuntimePayloadReference, other: RuntimePayloadReference): boolean {
  return (
    one.reference_id === other.reference_id &&
    one.codec === other.codec &&
    one.size_bytes === other.size_bytes &&
    one.sha256 === other.sha256
  );
}
