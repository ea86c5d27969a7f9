import { type AvroValue, encodeAvroValue } from "@durable-workflow/carrier/payload";
import fc from "fast-check";
import { losslessValues } from "../../packages/carrier/test/support/avro-values.js";
import { type Random, seeded } from "./random.js";

const SEED = 20_261_127;
export const VALUES = 20_000;
export const MUTATED = 5_000;

/** Values of every kind, the same in every run. */
export function randomValues(): readonly AvroValue[] {
  return fc.sample(losslessValues, { numRuns: VALUES, seed: SEED });
}

/** The frames of some of them, each damaged in a way or three, in base64; no deeper than the values were. */
export function mutatedFrames(values: readonly AvroValue[]): readonly string[] {
  const random = seeded(SEED);
  return Array.from({ length: MUTATED }, () => {
    // Short ones: in a long one most damage hits the inside of a text, which nobody can tell.
    let frame: Uint8Array = bytesOf(values[random(values.length)] ?? null);
    while (frame.length > 120) frame = bytesOf(values[random(values.length)] ?? null);
    for (let edits = 1 + random(3); edits > 0; edits--) frame = edited(random, frame);
    return damagedText(random, Buffer.from(frame).toString("base64"));
  });
}

function bytesOf(value: AvroValue): Uint8Array {
  return Buffer.from(encodeAvroValue(value), "base64");
}

const HEADER_BYTES = 10;

/** Mostly behind the header, which is soon told. */
function edited(random: Random, frame: Uint8Array): Uint8Array {
  const from = random(10) === 0 ? 0 : Math.min(HEADER_BYTES, frame.length);
  const at = from + random(frame.length - from + 1);
  const end = at + random(8);
  switch (random(6)) {
    case 0: // one bit
      return withByte(frame, at, (frame[at] ?? 0) ^ (1 << random(8)));
    case 1: // any byte
      return withByte(frame, at, random(256));
    case 2: // a number that means something here: a branch, a count, a length, the greatest of a varint's bytes
      return withByte(frame, at, [0, 1, 2, 4, 6, 8, 10, 12, 14, 15, 16, 0x7f, 0x80, 0xff][random(14)] ?? 0);
    case 3:
      return joined(frame.subarray(0, at), frame.subarray(end));
    case 4:
      return joined(frame.subarray(0, end), frame.subarray(at));
    default:
      return joined(
        frame.subarray(0, at),
        Uint8Array.from({ length: 1 + random(4) }, () => random(256)),
        frame.subarray(at),
      );
  }
}

function withByte(frame: Uint8Array, at: number, byte: number): Uint8Array {
  return joined(frame.subarray(0, at), Uint8Array.of(byte), frame.subarray(at + 1));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** One text in ten is damaged itself. */
function damagedText(random: Random, text: string): string {
  if (random(10) !== 0) return text;
  const at = random(text.length + 1);
  const parts = ["", "\n", " ", "=", "-", "_", "A", "Z", "é"];
  return text.slice(0, at) + (parts[random(parts.length)] ?? "") + text.slice(at + random(3));
}
