import { decodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import { invalidField } from "../http/fields.js";
import { MOST_KEYS, MOST_VALUES } from "../http/json-limits.js";
import { LongPayload } from "../long-payload.js";
import { bytesOfText, LONGEST_TEXT } from "../store/large-payloads.js";
import { judgeDatum } from "./datum.js";

/**
 * Refuses a blob that no worker could make anything of. A long one is walked over where its bytes lie: its text is as long again,
 * and what it decodes to may be many times as large. Only what the walk finds fault with is decoded, for the words of the decoder.
 *
 * @throws {ReplyError} 422
 */
export function refuseUndecodable(payload: string | LongPayload, field: string): void {
  if (payload instanceof LongPayload) {
    const verdict = judgeDatum(payload.bytes);
    if (verdict === "sound") return;
    const text = payload.text();
    payload.release();
    refuseText(text, verdict === "too large", field);
    return;
  }
  // A short one cannot hold too much.
  if (payload.length <= LONGEST_TEXT) {
    refuseText(payload, false, field);
    return;
  }
  const bytes = bytesOfText(payload);
  const verdict = judgeDatum(bytes ?? Buffer.from(payload, "base64"));
  if (verdict !== "sound" || bytes === undefined) refuseText(payload, verdict === "too large", field);
}

function refuseText(blob: string, isTooLarge: boolean, field: string): void {
  if (isTooLarge) {
    const message = `The ${field} field holds more than ${MOST_VALUES} values, or more than ${MOST_KEYS} keys.`;
    throw invalidField(field, message);
  }
  try {
    decodeAvroValue(blob);
  } catch (error) {
    if (isPayloadError(error)) throw invalidField(field, error.message);
    throw error;
  }
}
