import type { InlinePayloadEnvelope, PayloadEnvelope } from "../../protocol/wire.js";
import { thrownMessage } from "../thrown.js";
import type { TaskFailure } from "./failures.js";

/** Encodes any value, or throws. Handed over, so that what is loaded late does not hold the codec. */
export type Encode = (value: unknown) => InlinePayloadEnvelope;

/**
 * The failure with its details as they travel. Details that do not encode, or cannot be stored, must not cost the failure they
 * belong to: they are replaced by the reason.
 */
export async function withDetails(
  failure: TaskFailure,
  encode: Encode,
  store: (details: InlinePayloadEnvelope) => PayloadEnvelope | Promise<PayloadEnvelope | TaskFailure>,
): Promise<TaskFailure> {
  const kept = await store(encodeDetails(failure.details, encode));
  return { ...failure, encodedDetails: "classification" in kept ? lostDetails(kept.message, encode) : kept };
}

function encodeDetails(details: unknown, encode: Encode): InlinePayloadEnvelope {
  try {
    return encode(details);
  } catch (error) {
    return lostDetails(thrownMessage(error), encode);
  }
}

/** What stands in the place of details that could not be sent. */
export function lostDetails(reason: string, encode: Encode): InlinePayloadEnvelope {
  return encode({ details_lost: reason });
}
