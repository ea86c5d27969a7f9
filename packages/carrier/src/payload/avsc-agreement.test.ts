// Node's own comparison: vitest's goes by a value's `constructor`, which here can be a map's key.
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { losslessValues, plainValues } from "../../test/support/avro-values.js";
import { CODECS, datumInBlocks, datumOf, framed, INT64_MIN, PLATFORMS } from "../../test/support/avro-wire.js";
import { avscRead, avscWrite } from "../../test/support/avsc.js";
import { createAvroCodec } from "./codec.js";
import { type AvroValue, avroDouble } from "./value.js";

const blockOptions = fc.record({
  blockSize: fc.integer({ min: 1, max: 5 }),
  withSize: fc.constantFrom("none", "every second", "all"),
});

/** One of each kind that takes more than a byte, and what is written around others. */
const WIDE_VALUES: readonly AvroValue[] = [
  true,
  INT64_MIN,
  -(2n ** 31n),
  avroDouble(-0.1),
  new Uint8Array(3),
  "abc",
  "é",
  "é".repeat(41),
  [null],
  { k: null },
  {},
  Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`k${index}`, null])),
];

describe.each(PLATFORMS)("scratch memory that is all but full, with %s", (_, platform) => {
  it.each(WIDE_VALUES.map((value, index) => [index, value] as const))("has room for value %i", (__, value) => {
    // The first piece of memory has 1024 bytes: 24 texts of 40 bytes, and so many nulls of one.
    for (let nulls = 0; nulls < 56; nulls++) {
      const list = [...Array<string>(24).fill("x".repeat(38)), ...Array<null>(nulls).fill(null), value, value];
      expect(createAvroCodec(platform).encode(list), `${nulls} nulls`).toBe(framed(avscWrite(list)));
    }
  });
});

describe.each(CODECS)("random values, with %s", (_, codec) => {
  it("are written byte for byte as avsc writes them", () => {
    fc.assert(
      fc.property(losslessValues, (value) => {
        expect(codec.encode(value)).toBe(framed(avscWrite(value)));
      }),
      { numRuns: 400 },
    );
  });

  it("are read by avsc as they were", () => {
    fc.assert(
      fc.property(losslessValues, (value) => {
        deepStrictEqual(avscRead(datumOf(codec.encode(value))), value);
      }),
      { numRuns: 200 },
    );
  });

  it("are read from what avsc writes", () => {
    fc.assert(
      fc.property(losslessValues, (value) => {
        deepStrictEqual(codec.decode(framed(avscWrite(value)), { lossless: true }), value);
      }),
      { numRuns: 400 },
    );
  });

  it("come back as they were, with everyday numbers", () => {
    fc.assert(
      fc.property(plainValues, (value) => {
        deepStrictEqual(codec.decode(codec.encode(value)), value);
      }),
      { numRuns: 300 },
    );
  });

  it("are read from several blocks, with sizes and without", () => {
    fc.assert(
      fc.property(losslessValues, blockOptions, (value, options) => {
        const datum = Buffer.from(datumInBlocks(value, options));
        deepStrictEqual(avscRead(datum), value);
        deepStrictEqual(codec.decode(framed(datum), { lossless: true }), value);
      }),
      { numRuns: 300 },
    );
  });
});
