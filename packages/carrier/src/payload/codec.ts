import { platformBytes } from "#bytes";
import type { BytePlatform } from "./bytes.js";
import { createValueDecoder, type ValueDecoder } from "./decoder.js";
import { createValueEncoder, type ValueEncoder } from "./encoder.js";
import { AvroDouble, type AvroValue } from "./value.js";

/** How an Avro payload is decoded. */
export interface DecodeAvroOptions {
  /**
   * Keeps the kind of every number: longs are read as `bigint`, doubles as `AvroDouble`, so that encoding the outcome
   * again gives an equal payload. For tools; default false.
   */
  readonly lossless?: boolean;
  /**
   * The most values that cost time and memory of their own: maps and lists, texts of more than a few characters, keys that
   * have not come before (each counts twice), byte strings (four times) and integers beyond 28 bits. Small integers,
   * doubles, booleans, nulls and short texts are not counted. Default: no limit but the payload's length. A carrier decodes
   * arguments with 500,000.
   */
  readonly mostValues?: number;
}

export interface AvroCodec {
  encode(value: unknown): string;
  decode(blob: string, options?: DecodeAvroOptions): AvroValue;
  /** What the last value that was decoded with `mostValues` weighs: see {@link WeighedValue}. */
  weight(): number;
}

/** A value, and what it takes of memory: in values of some 64 bytes. */
export interface WeighedValue {
  readonly value: AvroValue;
  readonly weight: number;
}

/** A codec on the given platform. The exported functions use one on the best platform there is. */
export function createAvroCodec(platform: BytePlatform): AvroCodec {
  const { encode, decoder } = createCoders(platform);
  return { encode, decode: (blob, options) => decodeWith(decoder, blob, options), weight: () => decoder.weight() };
}

interface Coders {
  readonly encode: (value: unknown) => string;
  readonly decoder: ValueDecoder;
}

function createCoders(platform: BytePlatform): Coders {
  // The encoder at rest. Encoding can run foreign code (getters) that encodes again: it then finds none, and makes one.
  let resting: ValueEncoder | undefined;
  return {
    encode(value) {
      const encoder = resting ?? createValueEncoder(platform);
      resting = undefined;
      try {
        return encoder(value);
      } finally {
        resting = encoder;
      }
    },
    decoder: createValueDecoder(platform),
  };
}

function decodeWith(decoder: ValueDecoder, blob: string, options: DecodeAvroOptions = {}): AvroValue {
  const { lossless = false, mostValues = Number.POSITIVE_INFINITY } = options;
  return decoder.decode(blob, mostValues, lossless ? (value) => new AvroDouble(value) : undefined);
}

let shared: Coders | undefined;

function coders(): Coders {
  return (shared ??= createCoders(platformBytes));
}

/**
 * Encodes one value as the blob of a payload envelope: base64 of a framed Avro datum.
 *
 * Nothing is guessed: dates, class instances, Maps and other typed arrays are refused; convert them, or use
 * `toAvroValue`. `undefined` is null at the top and in lists, and left out as a property. The order of properties is kept.
 *
 * @param value see `AvroValue`; lists and maps nest at most 512 levels
 * @throws {PayloadError} `unsupported_value_type`, `integer_overflow`, `non_finite_float` or `invalid_map_key`, with the
 *   path to the value
 */
export function encodeAvroValue(value: unknown): string {
  return coders().encode(value);
}

/**
 * Decodes the blob of a payload envelope.
 *
 * Longs outside the safe-integer range are read as `bigint`, bytes as a `Uint8Array` of their own memory, maps as plain
 * objects (a repeated key's last value counts). Hostile input is refused in time and memory bounded by its own length.
 *
 * @throws {PayloadError} `invalid_payload_framing` or `unsupported_payload_schema`
 */
export function decodeAvroValue(blob: string, options?: DecodeAvroOptions): AvroValue {
  return decodeWith(coders().decoder, blob, options);
}

/** {@link decodeAvroValue}, weighed. For carriers, whose memory is for many at once. */
export function decodeWeighed(blob: string, mostValues: number): WeighedValue {
  const { decoder } = coders();
  return { value: decoder.decode(blob, mostValues), weight: decoder.weight() };
}

/** {@link encodeAvroValue} for each value of a list. The first that does not encode ends it. */
export function encodeAvroValues(values: readonly unknown[]): string[] {
  return values.map((value) => coders().encode(value));
}

/** {@link decodeAvroValue} for each blob of a list. The first that does not decode ends it. */
export function decodeAvroValues(blobs: readonly string[], options?: DecodeAvroOptions): AvroValue[] {
  return blobs.map((blob) => decodeAvroValue(blob, options));
}
