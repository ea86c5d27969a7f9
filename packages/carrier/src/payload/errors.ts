import { BrandedError, brandOf } from "../protocol/brand.js";

/** What is wrong with a payload; the codes of the contract, each at the front of its message. */
export type PayloadErrorCode =
  | "invalid_payload_framing" // not base64, not framed, cut off, or not a datum of the Value schema
  | "unsupported_payload_schema" // framed, but with another schema's fingerprint
  | "unsupported_payload_codec" // a codec other than avro, or none
  | "invalid_map_key" // a map key that is no string, or no valid text
  | "integer_overflow" // an integer outside 64 bits
  | "non_finite_float" // NaN or an infinity
  | "unsupported_value_type"; // a value that is none of the eight kinds

/** A value does not encode, or a payload does not decode. The message starts with {@link PayloadError.code}. */
export class PayloadError extends BrandedError {
  declare readonly name: string;
  readonly code: PayloadErrorCode;

  constructor(code: PayloadErrorCode, explanation: string, options?: ErrorOptions) {
    super("PayloadError", `${code}: ${explanation}`, options);
    this.code = code;
  }
}

/** True for a {@link PayloadError} of any copy of this library. */
export function isPayloadError(error: unknown): error is PayloadError {
  return brandOf(error) === "PayloadError";
}
