import { deepStrictEqual } from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/avro-wire.js";
import { toAvroValue } from "./adapter.js";
import { decodeAvroValue, encodeAvroValue } from "./codec.js";
import { avroDouble } from "./value.js";

class Money {
  readonly amount: bigint;
  readonly currency = "EUR";
  #secret = "not a field";

  constructor(amount: bigint) {
    this.amount = amount;
  }

  get secret(): string {
    return this.#secret;
  }
}

class Temperature {
  readonly kelvin = 300;

  toJSON(): unknown {
    return { celsius: new Date(0), unit: undefined };
  }
}

class LampError extends Error {
  override readonly name = "LampError";
  readonly lamp = 7;
  readonly at = new Date(0);
}

const bytes = new Uint8Array([0, 1, 2, 3, 4]);

const CONVERTED: readonly (readonly [name: string, value: unknown, expected: unknown])[] = [
  ["null", null, null],
  ["undefined", undefined, null],
  ["a boolean", false, false],
  ["a number", -0, -0],
  ["a bigint", 7n, 7n],
  ["text", "a", "a"],
  ["bytes", bytes, bytes],
  ["a Buffer", Buffer.from(bytes), Buffer.from(bytes)],
  ["a double", avroDouble(7), avroDouble(7)],
  ["a list", [1, undefined, [new Date(0)]], [1, null, ["1970-01-01T00:00:00.000Z"]]],
  // oxlint-disable-next-line no-sparse-arrays
  ["a list with holes", [1, , 3], [1, null, 3]],
  ["a map", { a: 1, gone: undefined, b: { c: new Set() } }, { a: 1, b: { c: [] } }],
  [
    "a map without a prototype",
    Object.assign(Object.create(null), { a: new Date(0) }),
    { a: "1970-01-01T00:00:00.000Z" },
  ],
  ["a map with symbols and hidden fields", Object.defineProperty({ [Symbol("s")]: 1 }, "hidden", { value: 2 }), {}],
  ["a Date", new Date(Date.UTC(2999, 5, 1, 12, 30, 0, 5)), "2999-06-01T12:30:00.005Z"],
  ["a Date of another realm", runInNewContext("new Date(0)"), "1970-01-01T00:00:00.000Z"],
  ["a URL", new URL("https://example.test/a?b=ü"), "https://example.test/a?b=%C3%BC"],
  [
    "a Map",
    new Map<string, unknown>([
      ["b", 1],
      ["a", new Map([["c", undefined]])],
    ]),
    { b: 1, a: { c: null } },
  ],
  ["a Set", new Set([3, 1, "a", new Set([2])]), [3, 1, "a", [2]]],
  ["an ArrayBuffer", bytes.slice(1, 3).buffer, new Uint8Array([1, 2])],
  ["a DataView", new DataView(bytes.buffer, 1, 2), new Uint8Array([1, 2])],
  ["clamped bytes", new Uint8ClampedArray(bytes.buffer, 3), new Uint8Array([3, 4])],
  ["32-bit floats", new Float32Array([1, 0.5]), [avroDouble(1), avroDouble(0.5)]],
  ["64-bit floats", new Float64Array([7, -0]), [avroDouble(7), avroDouble(-0)]],
  ["signed bytes", new Int8Array([-1, 2]), [-1, 2]],
  ["16-bit integers", new Uint16Array([1, 65535]), [1, 65535]],
  ["32-bit integers", new Int32Array([-(2 ** 31)]), [-(2 ** 31)]],
  ["64-bit integers", new BigInt64Array([-1n]), [-1n]],
  ["unsigned 64-bit integers", new BigUint64Array([1n]), [1n]],
  ["boxed primitives", [Object("a"), Object(1), Object(true), Object(2n)], ["a", 1, true, 2n]],
  ["a class instance", new Money(12n), { amount: 12n, currency: "EUR" }],
  ["a class instance with toJSON", new Temperature(), { celsius: "1970-01-01T00:00:00.000Z" }],
  ["a plain object with toJSON", { a: 1, toJSON: () => new Map([["b", 2]]) }, { b: 2 }],
  ["a field toJSON that is no method", { toJSON: "text" }, { toJSON: "text" }],
  ["an error", new TypeError("no such lamp"), { name: "TypeError", message: "no such lamp" }],
  [
    "an error with fields",
    new LampError("dark", { cause: new Error("hidden") }),
    { name: "LampError", message: "dark", lamp: 7, at: "1970-01-01T00:00:00.000Z" },
  ],
  ["an instance without fields", new WeakMap(), {}],
];

const cyclic: Record<string, unknown> = {};
cyclic["list"] = [new Map([["self", new Set([cyclic])]])];

const REFUSED: readonly (readonly [name: string, value: unknown, message: string])[] = [
  ["a function", () => 1, "unsupported_value_type: a function has no form as a payload value"],
  ["a method of a map", { run: () => 1 }, "unsupported_value_type: a function has no form as a payload value"],
  ["a symbol", [Symbol("s")], "unsupported_value_type: a symbol has no form as a payload value"],
  ["an invalid Date", { at: new Date(Number.NaN) }, "unsupported_value_type: the date is invalid"],
  [
    "a promise",
    { later: Promise.resolve(1) },
    "unsupported_value_type: a promise has no form as a payload value; await it first",
  ],
  [
    "a Map with a number for a key",
    new Map([[1, "a"]]),
    "invalid_map_key: a Map key is a number; keys are never turned into text",
  ],
  [
    "a Map with an object for a key",
    new Map([[{}, "a"]]),
    "invalid_map_key: a Map key is a object; keys are never turned into text",
  ],
  ["a value in itself", cyclic, "unsupported_value_type: the value contains itself"],
  ["513 levels", nested(513), "unsupported_value_type: the value nests deeper than 512 levels"],
  ["100,000 levels", nested(100_000), "unsupported_value_type: the value nests deeper than 512 levels"],
  ["a toJSON without end", endless(), "unsupported_value_type: the value nests deeper than 512 levels"],
];

function nested(levels: number): unknown {
  let value: unknown = null;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}

function endless(): unknown {
  return { toJSON: endless };
}

describe("toAvroValue", () => {
  it.each(CONVERTED)("converts %s", (_, value, expected) => {
    deepStrictEqual(toAvroValue(value), expected);
  });

  it.each(CONVERTED)("gives what encodes: %s", (_, value) => {
    expect(() => encodeAvroValue(toAvroValue(value))).not.toThrow();
  });

  it.each(REFUSED)("refuses %s", (_, value, message) => {
    expect(refusalOf(() => toAvroValue(value)).message).toBe(message);
  });

  it("copies no bytes", () => {
    expect(toAvroValue(bytes)).toBe(bytes);
    expect((toAvroValue(bytes.buffer) as Uint8Array).buffer).toBe(bytes.buffer);
    expect((toAvroValue(new DataView(bytes.buffer)) as Uint8Array).buffer).toBe(bytes.buffer);
  });

  it("takes the same object in several places", () => {
    const shared = { at: new Date(0) };
    const converted = { at: "1970-01-01T00:00:00.000Z" };
    deepStrictEqual(toAvroValue([shared, { shared }, shared]), [converted, { shared: converted }, converted]);
  });

  it("takes __proto__ for a key like any other", () => {
    const value = toAvroValue(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(Object.entries(value ?? {})).toEqual([["__proto__", { admin: true }]]);
    const map = toAvroValue(new Map([["__proto__", 1]]));
    expect(Object.entries(map ?? {})).toEqual([["__proto__", 1]]);
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
  });

  it("does not change what is a payload value already", () => {
    const value = { a: [1, 2.5, "b", { c: null }], d: new Uint8Array([1]), e: 2n ** 60n };
    deepStrictEqual(toAvroValue(value), value);
    deepStrictEqual(decodeAvroValue(encodeAvroValue(toAvroValue(value))), value);
  });

  it("takes 512 levels", () => {
    deepStrictEqual(toAvroValue(nested(512)), nested(512));
  });
});
