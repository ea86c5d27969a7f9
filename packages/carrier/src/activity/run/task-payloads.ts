import { decodeWeighed } from "../../payload/codec.js";
import { TOO_MANY_VALUES } from "../../payload/decoder.js";
import { inlineBlob, inlinePayload } from "../../payload/envelope.js";
import { isPayloadError } from "../../payload/errors.js";
import type { JsonObject } from "../../protocol/fields.js";
import type { InlinePayloadEnvelope } from "../../protocol/wire.js";
import type { Failing } from "./failing.js";

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
export function decodeArguments(envelope: JsonObject | null, room: number, total: number): DecodedArguments | Failing {
  if (envelope === null) return NO_ARGUMENTS;
  const most = Math.min(MOST_VALUES, total);
  try {
    const { value, weight: whole } = decodeWeighed(inlineBlob(envelope), Math.min(most, room));
    // One that no process has room for must not wait for ever.
    const weight = Math.min(whole, most);
    if (weight > room) return ["crowded", total];
    if (!Array.isArray(value)) return { args: value === null ? [] : [value], weight };
    const { length } = value;
    if (length > MOST_ARGUMENTS) return ["tooManyArguments", length, MOST_ARGUMENTS];
    return { args: value, weight };
  } catch (error) {
    // With so little room nobody can say whether there is anything else wrong with it.
    return room < most && isOverfull(error) ? ["crowded", total] : ["undecodableArguments", error, envelope["codec"]];
  }
}

/** Whether a payload was refused for the number of its values. */
function isOverfull(error: unknown): boolean {
  return isPayloadError(error) && error.message.includes(TOO_MANY_VALUES);
}

/** A return value, inline. */
export function encodeResult(value: unknown): InlinePayloadEnvelope | Failing {
  try {
    return inlinePayload(value);
  } catch (error) {
    return ["unencodableResult", error];
  }
}
