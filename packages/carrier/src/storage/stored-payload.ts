import type { JsonObject } from "../protocol/fields.js";

/** Whether a payload envelope holds a reference, to a store or to the engine's own, and no blob. */
export function isStoredPayload(envelope: JsonObject): boolean {
  return typeof envelope["blob"] !== "string" && ("external_storage" in envelope || "external_payload" in envelope);
}
