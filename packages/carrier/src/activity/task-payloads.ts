import { decodeWeighed } from "../payload/codec.js";
import { TOO_MANY_VALUES } from "../payload/decoder.js";
import { inlineBlob, payloadEnvelope, warnOfPayloadSize } from "../payload/envelope.js";
import { isPayloadError } from "../payload/errors.js";
import type { JsonObject } from "../protocol/fields.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../protocol/wire.js";
import { type ExternalStorage, exceedsThreshold, inlinePayload, offloadPayload } from "../storage/external-storage.js";
import { externalStorageFailure } from "../storage/failures.js";
import type { Logger } from "./logger.js";
import {
  crowded,
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
const MOST_VALUES = 500_000;

/** Decoded arguments, and what they take of memory, in values. */
export interface DecodedArguments {
  readonly args: readonly unknown[];
  readonly weight: number;
}

const NO_ARGUMENTS: DecodedArguments = { args: [], weight: 0 };

/**
 * The positional arguments: a list is taken apart, null stands for none, any other value is one argument.
 *
 * @param room how many values there is room for, beside those of the other tasks
 * @param total how many there is room for without other tasks
 */
export function decodeArguments(
  envelope: JsonObject | null,
  room: number,
  total: number,
): DecodedArguments | TaskFailure {
  if (envelope === null) return NO_ARGUMENTS;
  const most = Math.min(MOST_VALUES, total);
  try {
    const { value, weight: whole } = decodeWeighed(inlineBlob(envelope), Math.min(most, room));
    // One that no process has room for must not wait for ever.
    const weight = Math.min(whole, most);
    if (weight > room) return crowded(total);
    if (!Array.isArray(value)) return { args: value === null ? [] : [value], weight };
    return value.length > MOST_ARGUMENTS ? tooManyArguments(value.length, MOST_ARGUMENTS) : { args: value, weight };
  } catch (error) {
    // With so little room nobody can say whether there is anything else wrong with it.
    return room < most && isOverfull(error) ? crowded(total) : undecodableArguments(error, envelope["codec"]);
  }
}

/** Whether a payload was refused for the number of its values. */
function isOverfull(error: unknown): boolean {
  return isPayloadError(error) && error.message.includes(TOO_MANY_VALUES);
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
): Promise<JsonObject | TaskFailure> {
  try {
    return await inlinePayload(envelope, storage, options);
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
