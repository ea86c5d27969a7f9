import { AVRO_CODEC, DEFAULT_PAYLOAD_LIMIT_BYTES } from "../protocol/constants.js";
import { quoteReceived } from "../protocol/fields.js";
import type { InlinePayloadEnvelope } from "../protocol/wire.js";
import { type DecodeAvroOptions, decodeAvroValue, encodeAvroValue } from "./codec.js";
import { PayloadError } from "./errors.js";
import type { AvroValue } from "./value.js";

/** A blob from this size on is warned of: 80 % of what a server takes by default. */
export const PAYLOAD_WARNING_BYTES = Math.floor(DEFAULT_PAYLOAD_LIMIT_BYTES * 0.8);

/** How a payload envelope is made or read. */
export interface PayloadEnvelopeOptions {
  /** Told of payloads near the server's limit. Default: silent. */
  readonly logger?: PayloadLogger;
}

/** The one method a payload needs of a logger; pino, winston, console and the carrier's own logger all fit. */
export interface PayloadLogger {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * Encodes a value and tags it with its codec, as it travels in an envelope.
 *
 * It enforces no limit: the server does. From 80 % of the default limit (2,097,152 bytes) on, it warns.
 *
 * @throws {PayloadError} as `encodeAvroValue`
 */
export function payloadEnvelope(value: unknown, options?: PayloadEnvelopeOptions): InlinePayloadEnvelope {
  const envelope = inlinePayload(value);
  if (options?.logger !== undefined) warnOfPayloadSize(envelope, options.logger);
  return envelope;
}

/** As {@link payloadEnvelope}, without a word about its size. */
export function inlinePayload(value: unknown): InlinePayloadEnvelope {
  return { codec: AVRO_CODEC, blob: encodeAvroValue(value) };
}

/** Warns of a payload of 80 % of the default server limit or more. */
export function warnOfPayloadSize({ blob }: InlinePayloadEnvelope, logger: PayloadLogger): void {
  if (blob.length < PAYLOAD_WARNING_BYTES) return;
  logger.warn(
    { payload_bytes: blob.length, limit_bytes: DEFAULT_PAYLOAD_LIMIT_BYTES },
    "A payload is near or over the server's limit.",
  );
}

/**
 * Decodes a payload envelope that holds its data inline. A payload held in external storage is not fetched here.
 *
 * @param envelope `{codec: "avro", blob}`, as parsed from JSON
 * @throws {PayloadError} `unsupported_payload_codec` for another codec or none, `invalid_payload_framing` where the blob
 *   is missing or broken, else as `decodeAvroValue`
 */
export function decodePayload(envelope: unknown, options?: DecodeAvroOptions): AvroValue {
  return decodeAvroValue(inlineBlob(envelope), options);
}

/**
 * The blob of a payload envelope that holds its data inline.
 *
 * @throws {PayloadError} as {@link decodePayload}
 */
export function inlineBlob(envelope: unknown): string {
  const { codec, blob } = (envelope ?? {}) as { readonly codec?: unknown; readonly blob?: unknown };
  if (codec !== AVRO_CODEC) {
    throw new PayloadError(
      "unsupported_payload_codec",
      `the payload's codec must be "${AVRO_CODEC}", got ${quoteReceived(codec)}`,
    );
  }
  if (typeof blob !== "string") {
    throw new PayloadError("invalid_payload_framing", "the payload has no blob");
  }
  return blob;
}
