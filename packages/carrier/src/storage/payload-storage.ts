import type { FailureClassification } from "../protocol/constants.js";
import type { JsonObject } from "../protocol/fields.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../protocol/wire.js";

/** What a failed transfer is in the contract's terms. */
export interface ExternalStorageFailure {
  readonly classification: Extract<
    FailureClassification,
    "unsupported_payload_reference" | "decode_failure" | "application_error"
  >;
  /** `failure.type`, which retry policies list. */
  readonly type: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number>>;
}

/** Where the payloads of a carrier lie that do not travel inline. Made by `externalStorage` of `/storage`. */
export interface PayloadStorage {
  /** Whether a payload is to be written here, in place of being sent. */
  exceedsThreshold(payload: InlinePayloadEnvelope): boolean;
  /**
   * Fetches and verifies what a reference stands for.
   *
   * @returns the payload, inline, or why it cannot be had
   * @throws (as a rejection) the signal's reason, a `PayloadError` of bytes that are no payload, and what a driver that
   *   breaks its contract throws
   */
  read(
    envelope: JsonObject,
    options: { readonly signal?: AbortSignal | undefined; readonly now?: number | undefined },
  ): Promise<JsonObject | ExternalStorageFailure>;
  /**
   * Stores a payload.
   *
   * @returns the reference to it, once it is safe, or why it could not be stored
   * @throws (as a rejection) the signal's reason, and what a driver that breaks its contract throws
   */
  write(
    payload: InlinePayloadEnvelope,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<PayloadEnvelope | ExternalStorageFailure>;
}
