import type { JsonObject } from "../protocol/fields.js";

/** Whether a payload envelope holds a reference, and no blob. */
export function isStoredPayload(envelope: JsonObject): boolean {
  return typeof envelope["blob"] !== "string" && "external_storage" in envelope;
}
