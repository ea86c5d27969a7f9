import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { isObject } from "@durable-workflow/engine-protocol";
import type { LongPayload } from "../long-payload.js";
import { LentMemory } from "./lent-memory.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Stands for a long text in a body. Nobody can have put it there before. */
const MARK = randomUUID();

/** Bytes of a text that is long. Encoded as the only argument, it is longer than what the store keeps as text. */
const LONG_BYTES = 49_152;
/** Bytes around it, at most: it is dearer to look into than to parse as a whole. */
const MOST_AROUND = 65_536;
/** Texts before it, at most. */
const MOST_BEFORE = 256;

/** One long text of a body, which is not made a string: a string of that size takes longer than all else that is done with it. */
export interface LongText {
  /** The body, in memory of {@link longMemory}. Nobody else needs it any more. */
  readonly body: Buffer;
  /** Gives that back. */
  readonly giveBack: () => void;
  /** Where the text begins, and ends: UTF-8 without escapes. */
  readonly begin: number;
  readonly end: number;
  /** What stands for it in the body's object. */
  readonly mark: string;
  /** The bytes that it is the base64 of, as the blob of an envelope. The body has been given back where they are there. */
  readonly payload?: LongPayload;
}

export interface BodyAroundLongText {
  /** The text of the body with {@link LongText.mark} in the place of the long one. */
  readonly marked: string;
  /** The text of the body without the long one. */
  readonly text: string;
  readonly long: LongText;
}

/** Whether a body of that size can hold a long text. */
export function canHoldLongText(bytes: number): boolean {
  return bytes > LONG_BYTES;
}

/** Where bodies with long texts lie, and the payloads that they bring. */
export const longMemory = new LentMemory();

/**
 * Finds the one long text of a body; undefined where there is none, or where it takes a JSON parser to read it. Control characters,
 * which JSON has not, are not looked for: see {@link holdsControls}.
 */
export function aroundLongText(body: Buffer, giveBack: () => void): BodyAroundLongText | undefined {
  let begin = 0;
  let end = -1;
  for (let before = 0; end - begin < LONG_BYTES; before++) {
    begin = body.indexOf(QUOTE, end + 1) + 1;
    if (begin === 0 || before === MOST_BEFORE) return undefined;
    end = endOfText(body, begin);
    if (end < 0) return undefined;
  }
  if (body.length - (end - begin) > MOST_AROUND || !isUtf8(body)) return undefined;
  if (body.subarray(begin, end).includes(BACKSLASH)) return undefined;
  const head = body.toString("utf8", 0, begin);
  const tail = body.toString("utf8", end);
  return { marked: head + MARK + tail, text: head + tail, long: { body, giveBack, begin, end, mark: MARK } };
}

/** Where the text ends that begins at a place; -1 where it does not. */
function endOfText(body: Buffer, begin: number): number {
  let end = body.indexOf(QUOTE, begin);
  while (end > 0 && isEscaped(body, begin, end)) end = body.indexOf(QUOTE, end + 1);
  return end;
}

function isEscaped(body: Buffer, begin: number, at: number): boolean {
  let first = at;
  while (first > begin && body[first - 1] === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

/** Whether there is a byte below 0x20. Sixteen are looked at together: megabytes are. */
export function holdsControls(bytes: Uint8Array): boolean {
  if (bytes.length < 32) return bytes.some(isControl);
  const lead = Math.min(bytes.length, (4 - (bytes.byteOffset % 4)) % 4);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + lead, (bytes.length - lead) >> 2);
  // The subtraction sets the highest bit of such a byte, which had it not. It can set that of its neighbour, too.
  let found = 0;
  let at = 0;
  for (const end = words.length - 3; at < end; at += 4) {
    const a = words[at] ?? 0;
    const b = words[at + 1] ?? 0;
    const c = words[at + 2] ?? 0;
    const d = words[at + 3] ?? 0;
    found |= ((a - 0x20202020) & ~a) | ((b - 0x20202020) & ~b) | ((c - 0x20202020) & ~c) | ((d - 0x20202020) & ~d);
  }
  for (; at < words.length; at++) {
    const word = words[at] ?? 0;
    found |= (word - 0x20202020) & ~word;
  }
  if ((found & 0x80808080) !== 0) return true;
  return bytes.subarray(0, lead).some(isControl) || bytes.subarray(lead + words.length * 4).some(isControl);
}

function isControl(byte: number): boolean {
  return byte < 0x20;
}

/**
 * Whether the long text stands where a payload is read from: as the blob of an envelope, as the value itself, or anywhere within
 * a list. Elsewhere it is a text as any other, and for the parser.
 */
export function isPayloadWith(value: unknown, long: LongText): boolean {
  if (Array.isArray(value)) return holds(value, long.mark);
  return value === long.mark || isBlobOf(value, long);
}

/** Whether it is the blob of an envelope. */
export function isBlobOf(value: unknown, { mark }: LongText): boolean {
  return isObject(value) && Object.keys(value).length === 2 && "codec" in value && value["blob"] === mark;
}

function holds(value: unknown, mark: string): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, mark));
  return value === mark || (isObject(value) && Object.values(value).some((item) => holds(item, mark)));
}
