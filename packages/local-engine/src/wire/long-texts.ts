import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { type LongText, longMemory } from "../http/long-text.js";
import { LongPayload } from "../long-payload.js";
import { sizeOfBase64 } from "../store/large-payloads.js";

/** Characters of base64 that are read at a time. */
const PIECE_LENGTH = 65_536;

/** A long text as a string, for who has no other use of it. */
export function textOf({ body, begin, end }: LongText): string {
  return body.toString("utf8", begin, end);
}

/** The payload whose base64 a long text is; undefined for one that the store keeps as text. */
export function payloadOfBase64({ body, begin, end, giveBack }: LongText): LongPayload | undefined {
  const length = end - begin;
  const text = body.subarray(begin, end);
  const size = sizeOfBase64(length, text.toString("latin1", length - 4));
  // Decoding takes the alphabet of URLs as well.
  if (size === undefined || text.includes("-") || text.includes("_")) return undefined;
  const memory = longMemory.lend(size);
  const bytes = memory.subarray(0, size);
  let written = 0;
  for (let at = 0; at < length; at += PIECE_LENGTH) {
    const room = Math.min((PIECE_LENGTH / 4) * 3, bytes.length - written);
    // It leaps over what is no base64.
    if (bytes.write(text.toString("latin1", at, at + PIECE_LENGTH), written, "base64") !== room) {
      longMemory.giveBack(memory);
      return undefined;
    }
    written += room;
  }
  giveBack();
  return new LongPayload(bytes, () => {
    longMemory.giveBack(memory);
  });
}

/**
 * The payload of a value that has a mark in the place of a long text.
 *
 * @throws {PayloadError} as encoding does
 */
export function encodeAround(value: unknown, { body, begin, end, mark, giveBack }: LongText): LongPayload {
  const around = Buffer.from(encodeAvroValue(value), "base64");
  // A text is its length, and itself; that of the mark takes a byte.
  const at = around.indexOf(mark);
  const head = Buffer.concat([around.subarray(0, at - 1), varint(end - begin)]);
  const tail = around.subarray(at + mark.length);
  const from = begin - head.length;
  if (from >= 0 && end + tail.length <= body.length) {
    // What stood around the text in the body has been read.
    body.set(head, from);
    body.set(tail, end);
    return new LongPayload(body.subarray(from, end + tail.length), giveBack);
  }
  const whole = Buffer.concat([head, body.subarray(begin, end), tail]);
  giveBack();
  return new LongPayload(whole);
}

/** A length, as Avro writes it: a long, zigzag. */
function varint(length: number): Uint8Array {
  const bytes: number[] = [];
  let rest = length * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
