import { describe, expect, it } from "vitest";
import { plainValue, readVectors } from "../../test/support/avro-vectors.js";
import { refusalOf } from "../../test/support/avro-wire.js";
import { decodeAvroValue } from "./codec.js";
import { projectForJson } from "./projection.js";
import { type AvroValue, avroDouble } from "./value.js";

const entries = (...list: readonly (readonly [string, unknown])[]) => ({
  $type: "map",
  entries: list.map(([key, value]) => ({ key, value })),
});

const PROJECTED: readonly (readonly [name: string, value: AvroValue, expected: unknown])[] = [
  ["null", null, null],
  ["a boolean", true, true],
  ["text", "a\0é\ufeff", "a\0é\ufeff"],
  ["a safe integer", 2 ** 53 - 1, 2 ** 53 - 1],
  ["a safe bigint", -7n, -7],
  ["the greatest safe bigint", 2n ** 53n - 1n, 2 ** 53 - 1],
  ["a bigint beyond the safe range", 2n ** 53n, { $type: "long", value: "9007199254740992" }],
  ["the least integer", -(2n ** 63n), { $type: "long", value: "-9223372036854775808" }],
  ["a fraction", 2.5, 2.5],
  ["a great double", 1e300, 1e300],
  ["-0", -0, { $type: "double", value: "-0.0" }],
  ["a double that is an integer", avroDouble(7), { $type: "double", value: "7.0" }],
  ["a double that is -7", avroDouble(-7), { $type: "double", value: "-7.0" }],
  ["a double that is 1e21", avroDouble(1e21), { $type: "double", value: "1e+21" }],
  ["a double that is -0", avroDouble(-0), { $type: "double", value: "-0.0" }],
  ["a double that is a fraction", avroDouble(0.5), 0.5],
  ["bytes", new Uint8Array([0, 255]), { $type: "bytes", base64: "AP8=" }],
  ["a part of a Buffer", Buffer.from("abcdef").subarray(2, 4), { $type: "bytes", base64: "Y2Q=" }],
  ["no bytes", new Uint8Array(), { $type: "bytes", base64: "" }],
  ["a list", [1, [], [null]], [1, [], [null]]],
  ["a map", { a: 1, b: { c: [2n] } }, { a: 1, b: { c: [2] } }],
  ["an empty map", {}, entries()],
  ["a map of nothing", { a: undefined } as unknown as AvroValue, entries()],
  ["an empty map in a list", [{}], [entries()]],
  [
    "a list-like key",
    { "0": "zero", "1": new Uint8Array(1) },
    entries(["0", "zero"], ["1", { $type: "bytes", base64: "AA==" }]),
  ],
  ["one list-like key among others", { a: 1, "7": 2 }, entries(["7", 2], ["a", 1])],
  ["a negative key", { "-1": 1 }, entries(["-1", 1])],
  ["a signed key", { "+1": 1 }, entries(["+1", 1])],
  ["a fractional key", { "1.5": 1 }, entries(["1.5", 1])],
  ["an exponent key", { "1e3": 1 }, entries(["1e3", 1])],
  ["a key with leading zeros", { "007": 1 }, entries(["007", 1])],
  ["a key that starts with a digit", { "7 lamps": 1 }, entries(["7 lamps", 1])],
  ["a key with a digit inside", { lamp7: 1, "-": 2, "": 3 }, { lamp7: 1, "-": 2, "": 3 }],
  ["a key $type", { $type: "bytes", base64: "AA==" }, entries(["$type", "bytes"], ["base64", "AA=="])],
  ["a map in an entries form", { "1": { a: {} } }, entries(["1", { a: entries() }])],
];

const NO_VALUES: readonly (readonly [name: string, value: unknown, message: string])[] = [
  ["NaN", Number.NaN, "non_finite_float: NaN is no payload value"],
  ["a double that is NaN", avroDouble(Number.NaN), "non_finite_float: NaN is no payload value"],
  ["Infinity", { a: Number.POSITIVE_INFINITY }, "non_finite_float: Infinity is no payload value"],
  ["a function", () => 1, "unsupported_value_type: a function is no payload value"],
  ["a symbol", [Symbol("s")], "unsupported_value_type: a symbol is no payload value"],
  ["a Date", { at: new Date(0) }, "unsupported_value_type: a Date is no payload value"],
  ["a Map", new Map([["secret", 1]]), "unsupported_value_type: a Map is no payload value"],
  ["other typed arrays", new Float64Array(1), "unsupported_value_type: a Float64Array is no payload value"],
];

function nested(levels: number): AvroValue {
  let value: AvroValue = null;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe("projectForJson", () => {
  it.each(PROJECTED)("projects %s", (_, value, expected) => {
    const projected = projectForJson(value);
    expect(projected).toEqual(expected);
    // It is JSON already: nothing is lost on the way through text.
    expect(JSON.parse(JSON.stringify(projected))).toEqual(expected);
  });

  it.each(NO_VALUES)("refuses %s", (_, value, message) => {
    expect(refusalOf(() => projectForJson(value as AvroValue)).message).toBe(message);
  });

  it("takes undefined for null, as encoders do", () => {
    expect(projectForJson(undefined as unknown as AvroValue)).toBe(null);
    expect(projectForJson([undefined] as unknown as AvroValue)).toEqual([null]);
  });

  it("takes 512 levels, and no endless ones", () => {
    expect(projectForJson(nested(512))).toEqual(nested(512));
    expect(refusalOf(() => projectForJson(nested(514))).code).toBe("unsupported_value_type");
    expect(refusalOf(() => projectForJson(nested(100_000))).code).toBe("unsupported_value_type");
  });

  it("has __proto__ for a key like any other", () => {
    const projected = projectForJson(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(JSON.stringify(projected)).toBe('{"__proto__":{"admin":true}}');
  });

  it("projects every vector, and no two of them alike", () => {
    const { vectors } = readVectors();
    const projections = vectors.map(({ blob }) =>
      JSON.stringify(projectForJson(decodeAvroValue(blob, { lossless: true }))),
    );
    expect(new Set(projections).size).toBe(vectors.length);
    for (const { value } of vectors) expect(() => JSON.stringify(projectForJson(plainValue(value)))).not.toThrow();
  });
});
