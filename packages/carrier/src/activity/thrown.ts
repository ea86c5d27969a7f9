import { describeReceived } from "../protocol/describe-received.js";
import { recordableName } from "../protocol/recordable-name.js";
import { isVisibleText, recordableText } from "../protocol/recordable-text.js";
import { causesOf } from "./causes.js";
import { clip, LONGEST_MESSAGE } from "./clip.js";
import { isActivityCancelled, isActivityFailure } from "./errors.js";
import { readProperty } from "./read-property.js";

/** Engines take 131,072 bytes, and no code unit has more than three; the rest is for the mark of a cut. */
const LONGEST_STACK = 43_680;
/** Of what an object holds that was thrown in an error's place. */
const MOST_FIELDS = 10;
const LONGEST_FIELD = 200;

/** What a thrown value says, in the contract's terms. Its texts are fit to be recorded. */
export interface Thrown {
  /** Never empty. */
  readonly message: string;
  /** The error's name, or the type a failure was given; null for what is no error. */
  readonly type: string | null;
  readonly stack: string | null;
  readonly retryable: boolean;
  readonly cancelled: boolean;
  /** Of an ActivityFailure; undefined for none. */
  readonly details: unknown;
}

/**
 * Reads any thrown value. Never throws itself, whatever the value's getters do.
 *
 * @param withStack whether stacks may be told, those of causes included. Without them the message goes on with the
 *   messages of the causes.
 */
export function readThrown(error: unknown, withStack: boolean): Thrown {
  const failure = isActivityFailure(error) ? error : undefined;
  const cancelled = isActivityCancelled(error);
  const said = messageOf(error);
  return {
    message: withStack ? thrownMessage(error) : clip(said + causesAsText(error, headline), LONGEST_MESSAGE),
    type: nameOf(error),
    stack: withStack ? stackOf(error) : null,
    retryable: !cancelled && readProperty(failure, "retryable") !== false,
    cancelled,
    details: readProperty(failure, "details"),
  };
}

/** The message of any thrown value, without its causes. Never empty. */
export function thrownMessage(error: unknown): string {
  return clip(messageOf(error), LONGEST_MESSAGE);
}

function nameOf(error: unknown): string | null {
  const failure = isActivityFailure(error) ? error : undefined;
  const name = textOf(failure, "type") ?? textOf(error, "name");
  return name === undefined ? null : recordableName(name);
}

function messageOf(error: unknown): string {
  const said = saidBy(error);
  if (said !== undefined) return said;
  const kind = error === null ? "null" : typeof error;
  const value =
    kind === "number" || kind === "boolean" || kind === "bigint" ? String(error) : `A value of type ${kind}`;
  return `${nameOf(error) ?? value + fieldsOf(error)} was thrown without a message.`;
}

/** The first fields of what is no error, as text: scalars as they are, what is below them by its kind. */
function fieldsOf(value: unknown): string {
  if (typeof value !== "object" || value === null || readProperty(value, "stack") !== undefined) return "";
  try {
    const fields = Object.keys(value).slice(0, MOST_FIELDS);
    return fields.length === 0
      ? ""
      : ` with ${fields.map((key) => `${clip(key, LONGEST_FIELD)}: ${shown(readProperty(value, key))}`).join(", ")}`;
  } catch {
    return "";
  }
}

function shown(field: unknown): string {
  return typeof field === "string" ? JSON.stringify(clip(field, LONGEST_FIELD)) : describeReceived(field);
}

/** The error's stack, followed by those of its causes. */
function stackOf(error: unknown): string | null {
  const trace = textOf(error, "stack");
  if (trace === undefined) return null;
  const told = trace + causesAsText(error, (cause) => textOf(cause, "stack") ?? messageOf(cause));
  return clip(told, LONGEST_STACK);
}

function causesAsText(error: unknown, tell: (cause: unknown) => string): string {
  return causesOf(error)
    .map((cause) => `\nCaused by: ${tell(cause)}`)
    .join("");
}

/** A cause as the first line of a stack has it. */
function headline(cause: unknown): string {
  const name = nameOf(cause);
  const said = saidBy(cause);
  return name === null || said === undefined ? messageOf(cause) : `${name}: ${said}`;
}

/** A text that was thrown, or the message of an error. */
function saidBy(value: unknown): string | undefined {
  return text(value) ?? textOf(value, "message");
}

/** {@link text} of a property. */
function textOf(value: unknown, property: string): string | undefined {
  return text(readProperty(value, property));
}

/** Text in which something is to be seen once it was made recordable. */
function text(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  // Of a huge text so much is enough to look at, and to be cut from.
  const recordable = recordableText(value, LONGEST_STACK + 1);
  return isVisibleText(recordable) ? recordable : undefined;
}
