import { deepStrictEqual } from "node:assert/strict";
import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/support/avro-vectors.js";
import {
  Branch,
  blobOf,
  CODECS,
  datumOf,
  framed,
  outcomeOf,
  PLATFORMS,
  refusalOf,
  seededRandom,
  varint,
} from "../../test/support/avro-wire.js";
import { createAvroCodec } from "./codec.js";

const { vectors } = readVectors();
const [[, first], [, second]] = CODECS;

/** What both codecs make of a blob: the same, in every detail. */
function agreedOutcome(blob: string): object {
  const outcome = outcomeOf(first, blob);
  deepStrictEqual(outcomeOf(second, blob), outcome, blob);
  return outcome;
}

describe.each(CODECS)("truncations, with %s", (_, codec) => {
  it("of every vector are refused, though the memory still holds the rest", () => {
    const codes = new Set<string>();
    for (const { blob } of vectors) {
      const bytes = Buffer.from(blob, "base64");
      // Long text: not every length.
      const step = bytes.length > 2000 ? 31 : 1;
      for (let length = 0; length < bytes.length; length += step) {
        codec.decode(blob);
        codes.add(refusalOf(() => codec.decode(bytes.subarray(0, length).toString("base64"))).code);
      }
    }
    expect([...codes]).toEqual(["invalid_payload_framing"]);
  });
});

it("flipped bits decode to something or are refused, by both alike", () => {
  let refused = 0;
  let decoded = 0;
  for (const { blob } of vectors) {
    const bytes = Buffer.from(blob, "base64");
    const step = bytes.length > 600 ? 97 : 1;
    for (let position = 0; position < bytes.length; position += step) {
      for (const mask of [1, 2, 16, 128, 255]) {
        bytes[position]! ^= mask;
        if ("value" in agreedOutcome(bytes.toString("base64"))) decoded++;
        else refused++;
        bytes[position]! ^= mask;
      }
    }
  }
  expect(refused).toBeGreaterThan(10_000);
  expect(decoded).toBeGreaterThan(10_000);
});

describe("random input has one outcome with both", () => {
  const runs = 6000;

  it("any bytes in the frame", () => {
    const random = seededRandom(1);
    for (let run = 0; run < runs; run++) {
      // Small bytes, which are branches, counts and lengths, as often as others.
      const datum = Array.from({ length: 1 + random(40) }, () => (random(2) === 0 ? random(16) : random(256)));
      agreedOutcome(framed(datum));
    }
  });

  it("text of any bytes", () => {
    const random = seededRandom(2);
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    for (let run = 0; run < runs; run++) {
      // Most bytes alike, so that a good part is valid.
      const pieces = Array.from({ length: random(4) }, () => [
        ...Buffer.from("aé語🔑\ufffd\ufeff"[random(6)] ?? "".padEnd(random(70), "abc")),
        ...(random(4) === 0 ? [random(256)] : []),
        ...Buffer.from("x".repeat(random(30))),
      ]);
      const bytes = Uint8Array.from(pieces.flat());
      const outcome = agreedOutcome(framed([Branch.String], varint(bytes.length), bytes));
      try {
        deepStrictEqual(outcome, { value: strict.decode(bytes) });
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        expect(outcome).toMatchObject({ code: "invalid_payload_framing" });
      }
    }
  });

  it("vectors with a piece lost, doubled or replaced", () => {
    const random = seededRandom(3);
    const short = vectors.filter(({ blob }) => blob.length < 2000);
    for (let run = 0; run < runs; run++) {
      const datum = [...datumOf(short[random(short.length)]?.blob ?? "")];
      const donor = datumOf(short[random(short.length)]?.blob ?? "");
      const start = random(donor.length);
      datum.splice(random(datum.length), random(6), ...donor.subarray(start, start + random(12)));
      agreedOutcome(framed(datum));
    }
  });

  it("any text in place of base64", () => {
    const random = seededRandom(4);
    const alphabet = "ABCDwHioz3/VYAiNw09+/=====-_ \n\u0141é";
    for (let run = 0; run < runs; run++) {
      const length = random(3) === 0 ? random(24) : 4 * random(6);
      agreedOutcome(Array.from({ length }, () => alphabet[random(alphabet.length)]).join(""));
    }
  });

  it("a blob with a character changed", () => {
    const random = seededRandom(5);
    const blob = blobOf(Buffer.from(vectors.find(({ name }) => name === "an order")?.blob ?? "", "base64"));
    for (let run = 0; run < runs; run++) {
      const position = random(blob.length);
      agreedOutcome(blob.slice(0, position) + String.fromCharCode(random(400)) + blob.slice(position + 1));
    }
  });
});

describe.each(PLATFORMS)("memory of earlier decodes, with %s", (_, platform) => {
  const SECRET = "correct horse battery staple ";

  it("is in no value and no message of later ones", () => {
    const used = createAvroCodec(platform);
    const random = seededRandom(6);
    for (let run = 0; run < 1500; run++) {
      used.decode(
        used.encode({ [SECRET]: SECRET.repeat(1 + random(40)), list: [SECRET, 7, new Uint8Array(random(99))] }),
      );
      const datum = Array.from({ length: random(12) }, () => (random(2) === 0 ? random(16) : random(256)));
      // The same as with memory that has seen nothing.
      deepStrictEqual(outcomeOf(used, framed(datum)), outcomeOf(createAvroCodec(platform), framed(datum)));
    }
  });

  it("is not reached by lengths that point beyond the end", () => {
    const codec = createAvroCodec(platform);
    for (const branch of [Branch.String, Branch.Bytes]) {
      for (let length = 1; length < 200; length++) {
        codec.decode(codec.encode(SECRET.repeat(20)));
        const { message } = refusalOf(() => codec.decode(framed([branch], varint(length), new Uint8Array(length - 1))));
        expect(message).toContain("invalid_payload_framing");
        expect(message).not.toContain("horse");
      }
    }
  });
});
