import { toWellFormed } from "../payload/text.js";
import { isActivityCancelled, isActivityFailure } from "./errors.js";

/** Beyond these, text is cut: a failure must fit where it is stored. */
export const LONGEST_MESSAGE = 16_384;
const LONGEST_STACK = 65_536;
const MOST_CAUSES = 8;

/** What a thrown value says, in the contract's terms. */
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
 * @param origin what it was made of, where it has no cause of its own to say so
 */
export function readThrown(error: unknown, withStack: boolean, origin?: unknown): Thrown {
  const failure = isActivityFailure(error) ? error : undefined;
  const name = text(read(failure, "type")) ?? text(read(error, "name"));
  const cancelled = isActivityCancelled(error);
  return {
    message: clip(messageOf(error, name), LONGEST_MESSAGE),
    type: name === undefined ? null : clip(name, LONGEST_MESSAGE),
    stack: withStack ? stackOf(error, origin) : null,
    retryable: !cancelled && read(failure, "retryable") !== false,
    cancelled,
    details: read(failure, "details"),
  };
}

function messageOf(error: unknown, name: string | undefined): string {
  const said = text(error) ?? text(read(error, "message"));
  if (said !== undefined) return said;
  const what = name ?? (typeof error === "number" ? String(error) : `A value of type ${typeof error}`);
  return `${what} was thrown without a message.`;
}

/** The error's stack, followed by those of its causes. */
function stackOf(error: unknown, origin: unknown): string | null {
  let trace = text(read(error, "stack"));
  if (trace === undefined) return null;
  let cause = read(error, "cause") ?? origin;
  for (let depth = 0; depth < MOST_CAUSES && cause !== undefined && cause !== null; depth++) {
    trace += `\nCaused by: ${text(read(cause, "stack")) ?? messageOf(cause, text(read(cause, "name")))}`;
    cause = read(cause, "cause");
  }
  return clip(trace, LONGEST_STACK);
}

/** A property of any value; undefined where there is none, or reading it throws. */
function read(value: unknown, property: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as Record<string, unknown>)[property];
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** Cut to a length, and free of lone surrogates, which other languages' JSON parsers refuse. */
export function clip(value: string, longest: number): string {
  const cut = value.length > longest ? `${value.slice(0, longest)}... (cut)` : value;
  return toWellFormed(cut);
}
