import { decodeAvroValue, encodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MOST_KEYS, MOST_VALUES } from "../http/json-limits.js";
import { judgeDatum } from "./datum.js";

const HEADER = Buffer.from(encodeAvroValue(null), "base64").subarray(0, 10);

/** A zigzag varint; in more bytes than it needs where `padding` is not 0. */
function varint(value: number | bigint, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  for (let more = 0; more < padding; more++) {
    bytes.push((bytes.pop() ?? 0) | 0x80, 0);
  }
  return Buffer.from(bytes);
}

const of = (...bytes: readonly number[]): Buffer => Buffer.from(bytes);
const sized = (bytes: Uint8Array): Buffer => Buffer.concat([varint(bytes.length), bytes]);
const framed = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat([HEADER, ...parts]);

/** Items in blocks of so many, each second one with its size, or all, or none; and a size may be wrong by a few bytes. */
function blocks(items: readonly Buffer[], most: number, sizes: "all" | "some" | "none", wrong = 0): Buffer {
  const parts: Buffer[] = [];
  for (let first = 0; first < items.length; first += most) {
    const block = Buffer.concat(items.slice(first, first + most));
    const count = Math.min(most, items.length - first);
    const isSized = sizes === "all" || (sizes === "some" && (first / most) % 2 === 1);
    parts.push(...(isSized ? [varint(-count), varint(block.length + wrong)] : [varint(count)]), block);
  }
  return Buffer.concat([...parts, of(0)]);
}

const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => Buffer.from(text)),
  fc.integer({ min: 40, max: 200 }).map((length) => Buffer.alloc(length, "a")),
  fc.integer({ min: 10, max: 60 }).map((length) => Buffer.from("\u00e9\u20ac\u{1f600}\ufffd\ufeff".repeat(length))),
);
const notAlways = <T>(value: fc.Arbitrary<T>, usually: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 40, arbitrary: fc.constant(usually) }, { weight: 1, arbitrary: value });
const longs = fc.tuple(
  fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer()),
  notAlways(fc.integer({ min: 1, max: 9 }), 0),
);
const doubles = notAlways(fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY), 1.5);
const shapes = fc.tuple(
  fc.integer({ min: 1, max: 5 }),
  fc.constantFrom<"all" | "some" | "none">("all", "some", "none"),
);
const slips = notAlways(fc.integer({ min: -3, max: 3 }), 0);

/** Data of every kind, most of them sound. */
const { datum: data } = fc.letrec<{ datum: Buffer }>((tie) => ({
  datum: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    notAlways(
      fc.integer({ min: 0, max: 255 }).map((byte) => of(byte)),
      of(0),
    ),
    notAlways(fc.integer({ min: 0, max: 255 }), 1).map((byte) => of(2, byte)),
    longs.map(([value, padding]) => Buffer.concat([of(4), varint(value, padding)])),
    fc.oneof(doubles, fc.double({ noNaN: true, noDefaultInfinity: true })).map((value) => {
      const bytes = Buffer.alloc(9, 6);
      bytes.writeDoubleLE(value, 1);
      return bytes;
    }),
    fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.concat([of(8), sized(bytes)])),
    texts.map((bytes) => Buffer.concat([of(10), sized(bytes)])),
    fc
      .tuple(fc.array(tie("datum"), { maxLength: 7 }), shapes, slips)
      .map(([items, [most, sizes], wrong]) => Buffer.concat([of(12), blocks(items, most, sizes, wrong)])),
    fc
      .tuple(fc.array(fc.tuple(texts, tie("datum")), { maxLength: 7 }), shapes, slips)
      .map(([entries, [most, sizes], wrong]) => {
        const items = entries.map(([key, value]) => Buffer.concat([sized(key), value]));
        return Buffer.concat([of(14), blocks(items, most, sizes, wrong)]);
      }),
  ),
}));

/** What may become of bytes on their way, or is done to them. */
const harms = fc.record({
  at: fc.nat(),
  length: fc.integer({ min: 0, max: 4 }),
  put: fc.array(fc.oneof(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
});

function harmed(bytes: Buffer, { at, length, put }: { at: number; length: number; put: readonly number[] }): Buffer {
  const place = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, place), Uint8Array.from(put), bytes.subarray(place + length)]);
}

function decodes(bytes: Buffer): boolean {
  try {
    decodeAvroValue(bytes.toString("base64"));
    return true;
  } catch (error) {
    if (isPayloadError(error)) return false;
    throw error;
  }
}

const seen = { sound: 0, faulty: 0 };

/** Checks that the walk says what the decoder finds. */
function expectAgreement(bytes: Buffer): void {
  const verdict = decodes(bytes) ? "sound" : "faulty";
  seen[verdict]++;
  if (judgeDatum(bytes) !== verdict) expect.fail(`decoding finds it ${verdict}: ${bytes.toString("hex")}`);
}

describe("the walk over a payload finds what the decoder finds", () => {
  it("in data of all kinds, blocks and faults", () => {
    fc.assert(
      fc.property(data, (datum) => expectAgreement(framed(datum))),
      { numRuns: 4000 },
    );
  });

  it("in what is cut off at any byte", () => {
    fc.assert(
      fc.property(data, (datum) => {
        const bytes = framed(datum);
        for (let length = 0; length < bytes.length; length += bytes.length > 300 ? 37 : 1) {
          expectAgreement(bytes.subarray(0, length));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("in what was changed", () => {
    fc.assert(
      fc.property(data, fc.array(harms, { minLength: 1, maxLength: 3 }), (datum, all) => {
        expectAgreement(all.reduce(harmed, framed(datum)));
        expectAgreement(framed(all.reduce(harmed, datum)));
      }),
      { numRuns: 6000 },
    );
  });

  it("in any bytes", () => {
    const bytes = fc.oneof(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 40 }), (all) => expectAgreement(framed(Uint8Array.from(all)))),
      { numRuns: 12_000 },
    );
  });

  it("in texts of any bytes", () => {
    const pieces = fc.oneof(
      texts,
      fc.uint8Array({ maxLength: 2 }),
      fc.constantFrom(of(0xed, 0xa0, 0x80), of(0xc0, 0x80), of(0xf4, 0x90, 0x80, 0x80)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 4 }), (all) => {
        const text = sized(Buffer.concat(all));
        expectAgreement(framed(of(10), text));
        expectAgreement(framed(of(14), varint(1), text, of(0, 0)));
      }),
      { numRuns: 4000 },
    );
  });

  it("often enough of each sort", () => {
    expect(seen.sound).toBeGreaterThan(5000);
    expect(seen.faulty).toBeGreaterThan(5000);
  });
});

describe("an integer", () => {
  it.each([
    ["the greatest", varint(2n ** 63n - 1n), true],
    ["the least", varint(-(2n ** 63n)), true],
    ["one bit more", of(...Buffer.alloc(9, 0xff), 2), false],
    ["eleven bytes", of(...Buffer.alloc(10, 0x80), 1), false],
    ["hundreds of bytes", of(...Buffer.alloc(700, 0x80), 1), false],
    ["a byte too many", varint(7, 1), false],
    ["no end", of(0x80), false],
  ])("of %s, as a value, a length and a count", (_, bytes, isSound) => {
    expect(judgeDatum(framed(of(4), bytes))).toBe(isSound ? "sound" : "faulty");
    for (const branch of [4, 8, 10, 12, 14]) expectAgreement(framed(of(branch), bytes));
    expectAgreement(framed(of(12), varint(-1), bytes, of(0, 0)));
    expectAgreement(framed(of(14, 2), bytes, of(0, 0)));
  });
});

it("lists and maps nest as deep as the decoder goes", () => {
  const list = of(12, 2);
  const map = of(14, 2, 0);
  for (const depth of [1, 511, 512, 513, 700]) {
    for (const one of [list, map]) {
      const around = Array.from({ length: depth - 1 }, () => one);
      const bytes = framed(...around, of(12, 0), Buffer.alloc(depth - 1));
      expectAgreement(bytes);
      expect(judgeDatum(bytes)).toBe(depth > 512 ? "faulty" : "sound");
    }
  }
});

describe("more than is decoded in a short time", () => {
  const nulls = (count: number): Buffer => framed(of(12), varint(count), Buffer.alloc(count), of(0));
  const keys = (count: number): Buffer =>
    framed(of(14), varint(count), Buffer.concat(Array.from({ length: count }, () => of(2, 0x6b, 0))), of(0));

  it("is told by the number of values", () => {
    // The list is one of them.
    expect(judgeDatum(nulls(MOST_VALUES - 1))).toBe("sound");
    expect(judgeDatum(nulls(MOST_VALUES))).toBe("too large");
  });

  it("is told by the number of keys", () => {
    expect(judgeDatum(keys(MOST_KEYS))).toBe("sound");
    expect(judgeDatum(keys(MOST_KEYS + 1))).toBe("too large");
  });

  it("is told before any fault, wherever that is", () => {
    const bytes = nulls(MOST_VALUES);
    expect(judgeDatum(bytes.subarray(0, -1))).toBe("too large");
    expect(judgeDatum(Buffer.concat([Buffer.alloc(10), bytes.subarray(10)]))).toBe("too large");
    expect(judgeDatum(framed(Buffer.alloc(2 * (MOST_VALUES + 1), of(12, 2))))).toBe("too large");
  });
});
