import { inlinePayload } from "../../payload/envelope.js";
import type { InlinePayloadEnvelope } from "../../protocol/wire.js";
import { loadTrouble } from "./failing.js";

/** Details that do not encode must not cost the failure they belong to: they are replaced by the reason. */
export async function encodeDetails(details: unknown): Promise<InlinePayloadEnvelope> {
  try {
    return inlinePayload(details);
  } catch (error) {
    const { thrownMessage } = await loadTrouble();
    return lostDetails(thrownMessage(error));
  }
}

/** What stands in the place of details that could not be sent. */
export function lostDetails(reason: string): InlinePayloadEnvelope {
  return inlinePayload({ details_lost: reason });
}
