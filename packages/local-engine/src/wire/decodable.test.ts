import { decodeAvroValue, encodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ReplyError } from "../http/call.js";
import { MOST_VALUES } from "../http/json-limits.js";
import { LongPayload } from "../long-payload.js";
import { refuseUndecodable } from "./decodable.js";

const LONG = 60_000;
const longValues = fc.oneof(
  fc.string({ unit: "binary", maxLength: 50 }).map((end) => ["\u20ac".repeat(LONG / 3) + end]),
  fc.uint8Array({ minLength: LONG, maxLength: LONG + 3 }).map((bytes) => [bytes]),
  fc.integer({ min: 4000, max: 4010 }).map((count) => Array.from({ length: count }, (_, n) => ({ name: `n ${n}`, n }))),
);

/** What a start with that payload is answered about its input. */
function refusalOf(payload: string | LongPayload): string | undefined {
  try {
    refuseUndecodable(payload, "input.blob");
    return undefined;
  } catch (error) {
    if (!(error instanceof ReplyError)) throw error;
    expect(error.reply.status).toBe(422);
    const { errors } = error.reply.body as { readonly errors: Readonly<Record<string, readonly string[]>> };
    return errors["input.blob"]?.join();
  }
}

function expected(blob: string): string | undefined {
  try {
    decodeAvroValue(blob);
    return undefined;
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    return error.message;
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the blob of a start", () => {
  it("that is long is made text for the decoder only where it does not decode", () => {
    const text = vi.spyOn(LongPayload.prototype, "text");
    const bytes = Buffer.from(encodeAvroValue(["x".repeat(LONG)]), "base64");
    expect(refusalOf(new LongPayload(bytes))).toBeUndefined();
    expect(text).not.toHaveBeenCalled();
    expect(refusalOf(new LongPayload(bytes.subarray(1)))).toMatch(/^invalid_payload_framing/);
    expect(text).toHaveBeenCalledOnce();
  });

  it("that is refused gives its memory back, and no other does", () => {
    const giveBack = vi.fn();
    const bytes = Buffer.from(encodeAvroValue(["x".repeat(LONG)]), "base64");
    refuseUndecodable(new LongPayload(bytes, giveBack), "input.blob");
    expect(giveBack).not.toHaveBeenCalled();
    expect(refusalOf(new LongPayload(bytes.subarray(0, -1), giveBack))).toMatch(/^invalid_payload_framing/);
    expect(giveBack).toHaveBeenCalledOnce();
  });

  it("is refused in the decoder's words, as text or as bytes, whatever was changed in it", () => {
    const changes = fc.record({
      at: fc.nat(),
      length: fc.integer({ min: 0, max: 2 }),
      put: fc.uint8Array({ maxLength: 2 }),
    });
    fc.assert(
      fc.property(longValues, fc.option(changes), (value, change) => {
        let bytes = Buffer.from(encodeAvroValue(value), "base64");
        if (change !== null) {
          const place = change.at % bytes.length;
          bytes = Buffer.concat([bytes.subarray(0, place), change.put, bytes.subarray(place + change.length)]);
        }
        const blob = bytes.toString("base64");
        const words = expected(blob);
        expect(refusalOf(blob)).toBe(words);
        expect(refusalOf(new LongPayload(bytes))).toBe(words);
      }),
      { numRuns: 150 },
    );
  });

  it.each(["", "-", "_", " ", "=", "====", "\u0141", "\u00e9", "\n"])(
    "that is text with %j within is judged as the decoder does",
    (put) => {
      for (const size of [10, LONG]) {
        const blob = encodeAvroValue(["x".repeat(size)]);
        for (const at of [0, 13, blob.length - 2, blob.length]) {
          const changed = blob.slice(0, at) + put + blob.slice(at);
          expect(refusalOf(changed)).toBe(expected(changed));
          const replaced = blob.slice(0, at) + put + blob.slice(at + put.length);
          expect(refusalOf(replaced)).toBe(expected(replaced));
        }
      }
    },
  );

  it("that holds too much is told so before anything else, as text or as bytes", () => {
    const bytes = Buffer.from(encodeAvroValue(Array.from({ length: MOST_VALUES }, () => null)), "base64");
    for (const one of [bytes, bytes.subarray(0, -1)]) {
      const blob = one.toString("base64");
      for (const payload of [new LongPayload(one), blob, `${blob}=`]) {
        expect(refusalOf(payload)).toBe("The input.blob field holds more than 500000 values, or more than 50000 keys.");
      }
    }
  });
});
