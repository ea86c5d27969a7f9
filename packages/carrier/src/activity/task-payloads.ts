import { decodePayload, payloadEnvelope, warnOfPayloadSize } from "../payload/envelope.js";
import { isPayloadError } from "../payload/errors.js";
import type { JsonObject } from "../protocol/fields.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../protocol/wire.js";
import { type ExternalStorage, exceedsThreshold, inlinePayload, offloadPayload } from "../storage/external-storage.js";
import { externalStorageFailure } from "../storage/failures.js";
import type { Logger } from "./logger.js";
import {
  lostDetails,
  type TaskFailure,
  type TaskOutcome,
  tooManyArguments,
  undecodableArguments,
  unencodableResult,
} from "./results.js";

/** A call puts its arguments on the stack, where platforms have room for some ten thousands. */
const MOST_ARGUMENTS = 10_000;
/** A request of 8 MiB could hold three million maps, which take a second and a quarter of a gigabyte. */
const MOST_INLINE_VALUES = 500_000;

/** The positional arguments: a list is taken apart, null stands for none, any other value is one argument. */
export function decodeArguments(
  envelope: JsonObject | null,
  mostValues = MOST_INLINE_VALUES,
): readonly unknown[] | TaskFailure {
  if (envelope === null) return [];
  try {
    const value = decodePayload(envelope, { mostValues });
    if (!Array.isArray(value)) return value === null ? [] : [value];
    return value.length > MOST_ARGUMENTS ? tooManyArguments(value.length, MOST_ARGUMENTS) : value;
  } catch (error) {
    return undecodableArguments(error, envelope["codec"]);
  }
}

/**
 * The arguments that lie in external storage: fetched, verified, decoded.
 *
 * @throws (as a rejection) the signal's reason, and what a driver that breaks its contract throws
 */
export async function fetchArguments(
  envelope: JsonObject,
  storage: ExternalStorage,
  options: { readonly signal: AbortSignal; readonly now: number },
): Promise<readonly unknown[] | TaskFailure> {
  try {
    // How large they may be is up to whoever stored them.
    return decodeArguments(await inlinePayload(envelope, storage, options), Number.POSITIVE_INFINITY);
  } catch (error) {
    const failure = externalStorageFailure(error);
    if (failure !== undefined) return failure;
    if (isPayloadError(error)) return undecodableArguments(error, envelope["codec"]);
    throw error;
  }
}

/** A return value, inline. */
export function encodeResult(value: unknown): InlinePayloadEnvelope | TaskFailure {
  try {
    return payloadEnvelope(value);
  } catch (error) {
    return unencodableResult(error);
  }
}

/** Whether a result has to be brought to storage before it can be answered. Warns of one that is large and stays inline. */
export function needsStorage(
  result: InlinePayloadEnvelope,
  storage: ExternalStorage | undefined,
  logger: Logger,
): boolean {
  if (exceedsThreshold(result, storage)) return true;
  warnOfPayloadSize(result, logger);
  return false;
}

/**
 * Brings a result to storage. One that cannot be brought there is a failure, most often one to be retried: it must not
 * travel inline, since the engine may refuse its size.
 *
 * @throws (as a rejection) the signal's reason, and what a driver that breaks its contract throws
 */
export async function storeResult(
  result: InlinePayloadEnvelope,
  storage: ExternalStorage | undefined,
  signal: AbortSignal,
): Promise<TaskOutcome> {
  try {
    return await offloadPayload(result, storage, { signal });
  } catch (error) {
    const failure = externalStorageFailure(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

/** Brings a failure's details to storage. Where that fails, the reason takes their place: the failure itself matters more. */
export async function storeDetails(
  encoded: InlinePayloadEnvelope,
  storage: ExternalStorage,
  signal: AbortSignal,
): Promise<PayloadEnvelope> {
  try {
    return await offloadPayload(encoded, storage, { signal });
  } catch (error) {
    return lostDetails(externalStorageFailure(error)?.message ?? "They could not be stored.");
  }
}
