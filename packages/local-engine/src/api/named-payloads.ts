import { PayloadBytesError } from "../payloads/bytes.js";
import type { PayloadKeeper } from "../payloads/keeper.js";
import type { Claimant } from "../service/reports.js";
import { type Payload, referenceOf } from "../store/payloads.js";
import { PayloadRefusedError, refusalOf, refusedReport, refusedStart } from "../wire/payload-errors.js";

/**
 * Refuses a reference whose bytes are gone although they are written down: nothing must name what is not there. What is not
 * written down at all is found out by whoever records the name.
 *
 * @throws {PayloadRefusedError}
 */
export async function checkThere(keeper: PayloadKeeper, namespace: string, payload: Payload | null): Promise<void> {
  const reference = referenceOf(payload);
  if (reference === null) return;
  try {
    if (await keeper.isLost(namespace, reference)) throw new PayloadRefusedError(refusalOf("not_found"));
  } catch (error) {
    if (!(error instanceof PayloadBytesError)) throw error;
    throw new PayloadRefusedError({
      reason: "external_payload_unavailable",
      message: "The storage of payloads cannot be used now; nothing was recorded.",
    });
  }
}

/** Reads a report, and answers what is wrong with its payload in the words of reports. */
export async function reported<T>(claimant: Claimant, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof PayloadRefusedError ? refusedReport(error, claimant) : error;
  }
}

/** Reads a start, and answers what is wrong with its payload in the words of starts. */
export async function started<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof PayloadRefusedError ? refusedStart(error) : error;
  }
}
