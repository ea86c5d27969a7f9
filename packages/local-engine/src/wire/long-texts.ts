import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import type { LongText } from "../http/long-text.js";
import { LongPayload } from "../long-payload.js";

/** A long text as a string, for who has no other use of it. */
export function textOf({ body, begin, end }: LongText): string {
  return body.toString("utf8", begin, end);
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
