// Node's own comparison: vitest's goes by a value's `constructor`, which here can be a map's key.
import { deepStrictEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { losslessValue, plainValue, readVectors, VECTORS_FOLDER } from "../../test/support/avro-vectors.js";
import { CODECS } from "../../test/support/avro-wire.js";

const { vectors } = readVectors();

it("the vectors are what the generator writes", () => {
  const generator = fileURLToPath(new URL("generate.mjs", VECTORS_FOLDER));
  const printed = execFileSync(process.execPath, [generator, "--print"], { encoding: "utf8", maxBuffer: 2 ** 24 });
  expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(readVectors())));
});

it("the vectors hold each kind", () => {
  expect(new Set(vectors.map(({ value }) => value[0]))).toEqual(
    new Set(["null", "boolean", "long", "double", "bytes", "string", "array", "map"]),
  );
});

describe.each(CODECS)("with %s", (_, codec) => {
  it.each(vectors)("$name", ({ value, blob }) => {
    expect(codec.encode(losslessValue(value))).toBe(blob);
    deepStrictEqual(codec.decode(blob), plainValue(value));
    const lossless = codec.decode(blob, { lossless: true });
    deepStrictEqual(lossless, losslessValue(value));
    expect(codec.encode(lossless)).toBe(blob);
  });

  it("encodes everyday numbers as the vectors of the same value", () => {
    // Doubles with the value of an integer are longs, once they are plain numbers: all but -0.
    const everyday = vectors.filter(
      ({ value }) =>
        value[0] === "long" ||
        (value[0] === "double" && (Object.is(Number(value[1]), -0) || !Number.isSafeInteger(Number(value[1])))),
    );
    expect(everyday.length).toBeGreaterThan(60);
    for (const { name, value, blob } of everyday) expect(codec.encode(plainValue(value)), name).toBe(blob);
  });

  it("tells 7 from 7.0, 0 from -0, text from bytes, lists from maps", () => {
    const pairs = [
      ["long 7", "double 7.0"],
      ["long 0", "double -0"],
      ["double 0.0", "double -0"],
      ["text of length 0", "bytes of length 0"],
      ["empty array", "empty map"],
    ];
    const blobs = new Map(vectors.map(({ name, blob }) => [name, blob]));
    for (const [left = "", right = ""] of pairs) {
      expect(blobs.get(left), left).toBeDefined();
      expect(blobs.get(left)).not.toBe(blobs.get(right));
    }
  });
});
