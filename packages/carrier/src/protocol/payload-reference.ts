import { AVRO_CODEC, EXTERNAL_PAYLOAD_REFERENCE_SCHEMA } from "./constants.js";
import { throwReferenceError } from "./errors.js";
import {
  type ContractViolation,
  collectViolations,
  describeReceived,
  readInteger,
  readLiteral,
  readObject,
  readString,
  type Violate,
} from "./fields.js";
import { parseTimestamp } from "./timestamps.js";

/** Where a payload lies that does not travel inside the envelope, and how to tell that it is the right one. */
export interface ExternalPayloadReference {
  /** As in `s3://bucket/key`; which driver reads it is decided by its scheme. */
  readonly uri: string;
  /** Of the stored bytes; 64 lower-case hex digits. */
  readonly sha256: string;
  /** Of the stored bytes, which are the characters of the payload's base64 blob. */
  readonly sizeBytes: number;
  readonly codec: typeof AVRO_CODEC;
  /** RFC 3339 with zone, as sent: from then on the payload must not be read. Null when it does not expire. */
  readonly expiresAt: string | null;
}

/** A reference as it is sent. A type, not an interface: it has to fit where envelopes take any object. */
export type ExternalPayloadReferenceWire = {
  readonly schema: typeof EXTERNAL_PAYLOAD_REFERENCE_SCHEMA;
  readonly uri: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly codec: typeof AVRO_CODEC;
  readonly expires_at?: string;
};

const SHA256 = /^[\da-f]{64}$/i;
const SCHEME = /^[a-z][a-z\d+.-]*(?=:)/i;
const ZONE = /(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * Reads a reference (`durable-workflow.v2.external-payload-reference.v1`). Unknown fields are ignored; whether it has
 * expired, and whether anything can read its URI, is not judged here.
 *
 * @param value a parsed JSON document
 * @throws {ExternalPayloadReferenceError} naming the first field that violates the contract, and what was expected
 */
export function parseExternalPayloadReference(value: unknown): ExternalPayloadReference {
  return readReference(value, throwReferenceError);
}

/** Every violation of the contract in a reference, in reading order; empty for a valid one. */
export function externalPayloadReferenceViolations(value: unknown): readonly ContractViolation[] {
  return collectViolations((violate) => readReference(value, violate));
}

/** The reference as it is sent; the inverse of {@link parseExternalPayloadReference}. */
export function serializeExternalPayloadReference(reference: ExternalPayloadReference): ExternalPayloadReferenceWire {
  const { uri, sha256, sizeBytes, codec, expiresAt } = reference;
  return {
    schema: EXTERNAL_PAYLOAD_REFERENCE_SCHEMA,
    uri,
    sha256,
    size_bytes: sizeBytes,
    codec,
    ...(expiresAt === null ? undefined : { expires_at: expiresAt }),
  };
}

/** {@link parseExternalPayloadReference} and {@link serializeExternalPayloadReference} under the type's own name. */
export const ExternalPayloadReference = {
  parse: parseExternalPayloadReference,
  serialize: serializeExternalPayloadReference,
} as const;

/** The scheme of a URI, in lower case, without the colon; undefined for text without one. */
export function schemeOf(uri: string): string | undefined {
  return SCHEME.exec(uri)?.[0].toLowerCase();
}

function readReference(value: unknown, violate: Violate): ExternalPayloadReference {
  const document = readObject(value, "", violate);
  readLiteral(document["schema"], EXTERNAL_PAYLOAD_REFERENCE_SCHEMA, "schema", violate);
  return {
    uri: readMatching(document["uri"], "uri", (text) => schemeOf(text) !== undefined, "a URI with a scheme", violate),
    sha256: readMatching(
      document["sha256"],
      "sha256",
      (text) => SHA256.test(text),
      "64 hex digits",
      violate,
    ).toLowerCase(),
    sizeBytes: readInteger(document["size_bytes"], 0, "size_bytes", violate),
    codec: readLiteral(document["codec"], AVRO_CODEC, "codec", violate),
    expiresAt:
      document["expires_at"] === undefined || document["expires_at"] === null
        ? null
        : readMatching(document["expires_at"], "expires_at", isZoned, "an RFC 3339 timestamp with a zone", violate),
  };
}

function isZoned(text: string): boolean {
  return ZONE.test(text) && parseTimestamp(text) !== undefined;
}

function readMatching(
  value: unknown,
  path: string,
  matches: (text: string) => boolean,
  expected: string,
  violate: Violate,
): string {
  if (typeof value !== "string") return readString(value, path, violate);
  if (!matches(value)) violate(path, expected, describeReceived(value));
  return value;
}
