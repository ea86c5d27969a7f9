import { deepStrictEqual } from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import {
  Branch,
  CODECS,
  framed,
  INT64_MAX,
  INT64_MIN,
  PLATFORMS,
  refusalOf,
  sized,
} from "../../test/support/avro-wire.js";
import { createAvroCodec, decodeAvroValue, decodeAvroValues, encodeAvroValue, encodeAvroValues } from "./codec.js";
import { PayloadError } from "./errors.js";
import { avroDouble } from "./value.js";

class Order {
  readonly id = 7;
}

function nested(levels: number, wrap: (inner: unknown) => unknown, innermost: unknown = null): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

const inArray = (inner: unknown) => [inner];
const inMap = (inner: unknown) => ({ in: inner });

const cyclicArray: unknown[] = [];
cyclicArray.push([cyclicArray]);
const cyclicMap: Record<string, unknown> = {};
cyclicMap["self"] = { again: cyclicMap };

const REFUSED: readonly (readonly [name: string, value: unknown, code: string])[] = [
  ["a bigint over the range", INT64_MAX + 1n, "integer_overflow"],
  ["a bigint under the range", INT64_MIN - 1n, "integer_overflow"],
  ["a bigint of 1000 digits", 10n ** 999n, "integer_overflow"],
  ["NaN", Number.NaN, "non_finite_float"],
  ["Infinity", Number.POSITIVE_INFINITY, "non_finite_float"],
  ["-Infinity", Number.NEGATIVE_INFINITY, "non_finite_float"],
  ["a double that is NaN", avroDouble(Number.NaN), "non_finite_float"],
  ["a high surrogate", "\ud800", "unsupported_value_type"],
  ["a low surrogate", "\udfff", "unsupported_value_type"],
  ["a high surrogate at the end", "a\ud83d", "unsupported_value_type"],
  ["surrogates in the wrong order", "\ude00\ud83d", "unsupported_value_type"],
  ["a surrogate in text of 41 characters", `${"a".repeat(40)}\ud83d`, "unsupported_value_type"],
  ["a surrogate in text of 9000 characters", `${"é".repeat(8999)}\ud83d`, "unsupported_value_type"],
  ["a surrogate in a key", { "\ud800": 1 }, "invalid_map_key"],
  ["a surrogate in a long key", { [`${"k".repeat(50)}\udc00`]: 1 }, "invalid_map_key"],
  ["a function", () => 1, "unsupported_value_type"],
  ["a class", Order, "unsupported_value_type"],
  ["a symbol", Symbol("s"), "unsupported_value_type"],
  ["a Date", new Date(0), "unsupported_value_type"],
  ["a Map", new Map(), "unsupported_value_type"],
  ["a Set", new Set(), "unsupported_value_type"],
  ["a RegExp", /a/, "unsupported_value_type"],
  ["a Promise", Promise.resolve(1), "unsupported_value_type"],
  ["an Error", new TypeError("secret"), "unsupported_value_type"],
  ["a class instance", new Order(), "unsupported_value_type"],
  [
    "an instance of a nameless class",
    new (class {
      readonly id = 7;
    })(),
    "unsupported_value_type",
  ],
  ["an object with a prototype without one", Object.create(Object.create(null)), "unsupported_value_type"],
  ["an object made from another", Object.create({ a: 1 }), "unsupported_value_type"],
  ["an ArrayBuffer", new ArrayBuffer(1), "unsupported_value_type"],
  ["a DataView", new DataView(new ArrayBuffer(1)), "unsupported_value_type"],
  ["another typed array", new Float64Array(1), "unsupported_value_type"],
  ["clamped bytes", new Uint8ClampedArray(1), "unsupported_value_type"],
  ["a boxed number", Object(1), "unsupported_value_type"],
  ["a boxed string", Object("a"), "unsupported_value_type"],
  ["a Date of another realm", runInNewContext("new Date(0)"), "unsupported_value_type"],
  ["a class instance of another realm", runInNewContext("new (class Lamp {})()"), "unsupported_value_type"],
  ["an array in itself", cyclicArray, "unsupported_value_type"],
  ["a map in itself", cyclicMap, "unsupported_value_type"],
  ["100,000 arrays in each other", nested(100_000, inArray), "unsupported_value_type"],
  ["100,000 maps in each other", nested(100_000, inMap), "unsupported_value_type"],
  ["513 maps", nested(513, inMap), "unsupported_value_type"],
  // A reader counts an empty list as a level too, and would refuse these.
  ["512 arrays around an empty one", nested(512, inArray, []), "unsupported_value_type"],
  ["512 maps around an empty array", nested(512, inMap, []), "unsupported_value_type"],
  ["512 arrays around an empty map", nested(512, inArray, {}), "unsupported_value_type"],
];

describe.each(CODECS)("encode, with %s", (_, codec) => {
  it.each(REFUSED)("refuses %s", (__, value, code) => {
    const refusal = refusalOf(() => codec.encode(value));
    expect(refusal.code).toBe(code);
    expect(refusal.message.startsWith(`${code}: `)).toBe(true);
  });

  it.each(REFUSED)("is of use after refusing %s", (__, value) => {
    refusalOf(() => codec.encode({ big: "x".repeat(3000), value }));
    expect(codec.encode(7)).toBe("wwHioz3/VYAiNwQO");
  });

  it("names the way to what it refuses", () => {
    const value = { orders: [{ id: 1 }, { id: 2, "shipped at": new Date(0) }] };
    expect(refusalOf(() => codec.encode(value)).message).toMatch(/orders.+1.+shipped at.* is a Date: .*toAvroValue/);
  });

  it.each([
    ["a Date", new Date(0)],
    ["a TypeError", new TypeError("no such lamp")],
    ["a Order", new Order()],
    ["a Float64Array", new Float64Array(1)],
    ["a Function", () => 1],
    ["a Symbol", Symbol("s")],
    ["NaN", Number.NaN],
    ["deeper than 512 levels, or contains itself", cyclicMap],
  ])("names what it refuses: %s", (name, value) => {
    expect(refusalOf(() => codec.encode(value)).message).toContain(name);
  });

  it("names a way of bounded length", () => {
    const long = "k".repeat(100_000);
    const value = nested(300, (inner) => ({ [long]: inner }), Number.NaN);
    expect(refusalOf(() => codec.encode(value)).message.length).toBeLessThan(10_000);
  });

  it.each([
    ["arrays", nested(512, inArray)],
    ["maps", nested(512, inMap)],
    ["arrays around an empty one", nested(511, inArray, [])],
    ["maps around an empty one", nested(511, inMap, {})],
  ])("decodes what it encodes: 512 %s", (__, deep) => {
    deepStrictEqual(codec.decode(codec.encode(deep)), deep);
  });

  it("takes undefined for null, but leaves it out of maps", () => {
    expect(codec.encode(undefined)).toBe(codec.encode(null));
    // oxlint-disable-next-line no-sparse-arrays
    expect(codec.encode([undefined, , 1])).toBe(codec.encode([null, null, 1]));
    expect(codec.encode({ a: undefined, b: 1, c: undefined })).toBe(codec.encode({ b: 1 }));
    expect(codec.encode({ a: undefined })).toBe(codec.encode({}));
  });

  it("counts the entries that it writes: 63, 64 and 65 of 100", () => {
    for (const count of [63, 64, 65]) {
      const entries = Array.from({ length: 100 }, (__, index) => [`k${index}`, index < count ? index : undefined]);
      deepStrictEqual(
        codec.decode(codec.encode(Object.fromEntries(entries))),
        Object.fromEntries(entries.slice(0, count)),
      );
    }
  });

  it("reads no symbol keys and no hidden properties", () => {
    const value = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3 });
    expect(codec.encode(value)).toBe(codec.encode({ a: 1 }));
  });

  it("takes objects without a prototype, and their __proto__ for a key", () => {
    const value = Object.assign(Object.create(null), { a: 1 });
    value["__proto__"] = { b: 2 };
    const decoded = codec.decode(codec.encode(value));
    expect(Object.entries(decoded ?? {})).toEqual([
      ["a", 1],
      ["__proto__", { b: 2 }],
    ]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  });

  it("takes a list of another class, without what it has besides items", () => {
    class List extends Array<number> {
      readonly owner = "me";
    }
    expect(codec.encode(List.of(1, 2))).toBe(codec.encode([1, 2]));
  });

  it.each([
    ["a Buffer", Buffer.from([1, 2, 3])],
    ["a part of a Buffer", Buffer.from([0, 1, 2, 3, 4]).subarray(1, 4)],
    ["a part of an ArrayBuffer", new Uint8Array(new Uint8Array([0, 1, 2, 3, 4]).buffer, 1, 3)],
    ["a subclass's instance", new (class extends Uint8Array {})([1, 2, 3])],
    ["bytes of another realm", runInNewContext("new Uint8Array([1, 2, 3])")],
  ])("takes %s for bytes", (__, bytes) => {
    expect(codec.encode(bytes)).toBe(codec.encode(new Uint8Array([1, 2, 3])));
  });

  it("takes the plain data of another realm", () => {
    const value = runInNewContext(
      "({ list: [1, { text: 'a', none: null }], bare: Object.create(null), bytes: new Uint8Array(2) })",
    );
    expect(codec.encode(value)).toBe(
      codec.encode({ list: [1, { text: "a", none: null }], bare: {}, bytes: new Uint8Array(2) }),
    );
  });

  it("leaves out what another realm's objects inherit", () => {
    const value = runInNewContext("Object.prototype.inherited = 1; ({ own: 2, inner: { own: 3 } })");
    expect(codec.encode(value)).toBe(codec.encode({ own: 2, inner: { own: 3 } }));
  });

  it("leaves out what somebody gave every object", () => {
    const expected = codec.encode({ own: { own: 2 } });
    try {
      Reflect.set(Object.prototype, "inherited", "x");
      expect(codec.encode({ own: { own: 2 } })).toBe(expected);
      deepStrictEqual(codec.decode(codec.encode({ inherited: 1 })), { inherited: 1 });
    } finally {
      Reflect.deleteProperty(Object.prototype, "inherited");
    }
    expect(codec.encode({ own: { own: 2 } })).toBe(expected);
  });

  it("reads text of each length as it wrote it, with each character in each place", () => {
    for (const special of ["é", "語", "🔑", "\ufffd", "\0", "\x7f", "\x80"]) {
      for (let length = 0; length < 70; length++) {
        for (const place of length < 14 ? Array.from({ length: length + 1 }, (__, index) => index) : [0, 7, length]) {
          const text = "x".repeat(place) + special + "y".repeat(length - place);
          const value = { [text]: text };
          if (codec.decode(codec.encode(text)) !== text) expect.fail(`text ${JSON.stringify(text)}`);
          deepStrictEqual(codec.decode(codec.encode(value)), value);
        }
      }
    }
  });
});

describe.each(CODECS)("decode, with %s", (_, codec) => {
  it("tells keys of the same ends apart, however often they come", () => {
    const keys = Array.from({ length: 3000 }, (__, index) => `key ${index % 1000}, ${"x".repeat(index % 37)}, end`);
    for (const key of [...keys, ...keys])
      deepStrictEqual(codec.decode(codec.encode({ [key]: 1, a: 2 })), { [key]: 1, a: 2 });
  });

  it.each(Object.getOwnPropertyNames(Object.prototype))("gives a map its own %s", (key) => {
    for (let time = 0; time < 2; time++) {
      const map = codec.decode(framed([Branch.Map], [2], sized(key), [Branch.Boolean, 1], [0]));
      expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
      expect(Object.getOwnPropertyDescriptor(map, key)).toEqual({
        value: true,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
  });

  it("gives a map its own constructor, where Object.prototype is frozen", () => {
    const { constructor } = Object.prototype;
    const blob = framed([Branch.Map], [2], sized("constructor"), [Branch.Boolean, 1], [0]);
    try {
      // Not frozen for good; what makes assignments fail is this.
      Reflect.defineProperty(Object.prototype, "constructor", { writable: false });
      expect(Object.entries(codec.decode(blob) ?? {})).toEqual([["constructor", true]]);
    } finally {
      Reflect.defineProperty(Object.prototype, "constructor", { value: constructor, writable: true });
    }
  });

  it("gives bytes memory of their own, of the plain class", () => {
    for (const length of [0, 1, 64, 65, 5000]) {
      const bytes = new Uint8Array(length).fill(7);
      const first = codec.decode(codec.encode(bytes)) as Uint8Array;
      codec.decode(codec.encode(new Uint8Array(length).fill(9)));
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
      expect(first.buffer.byteLength).toBe(length);
      deepStrictEqual(first, bytes);
      first.fill(1);
      deepStrictEqual(codec.decode(codec.encode(bytes)), bytes);
    }
  });

  it("reads longs as numbers up to the safe integers", () => {
    const safe = BigInt(Number.MAX_SAFE_INTEGER);
    for (const value of [safe, -safe, 0n, -1n]) expect(codec.decode(codec.encode(value))).toBe(Number(value));
    for (const value of [safe + 1n, -safe - 1n, INT64_MIN]) expect(codec.decode(codec.encode(value))).toBe(value);
  });
});

describe.each(CODECS)("code that runs within encode, with %s", (_, codec) => {
  const INNER = { inner: ["é".repeat(2000), { deep: [1, 2, 3] }] };

  it("may encode and decode", () => {
    const seen: unknown[] = [];
    const value = {
      before: "a".repeat(100),
      get middle() {
        seen.push(codec.decode(codec.encode(INNER)));
        return codec.encode([codec.encode("twice")]);
      },
      list: Object.defineProperty([1, 0, 3], 1, { get: () => codec.encode(INNER).length, enumerable: true }),
      after: ["b", { c: null }],
    };
    const expected = {
      before: "a".repeat(100),
      middle: codec.encode([codec.encode("twice")]),
      list: [1, codec.encode(INNER).length, 3],
      after: ["b", { c: null }],
    };
    for (let time = 0; time < 3; time++) deepStrictEqual(codec.decode(codec.encode(value)), expected);
    deepStrictEqual(seen, [INNER, INNER, INNER]);
  });

  it("may throw, also where it encodes", () => {
    const error = new Error("no such field");
    const value = {
      text: "x".repeat(5000),
      get bad(): unknown {
        refusalOf(() => codec.encode({ worse: Number.NaN }));
        throw error;
      },
    };
    expect(() => codec.encode([value])).toThrow(error);
    deepStrictEqual(codec.decode(codec.encode(INNER)), INNER);
  });

  it("may change what is encoded", () => {
    const list: unknown[] = [null, 2, 3];
    Object.defineProperty(list, 0, { get: () => list.splice(1).length, enumerable: true });
    deepStrictEqual(codec.decode(codec.encode(list)), [2, null, null]);

    const map: Record<string, unknown> = {
      get first() {
        delete map["gone"];
        return 1;
      },
      gone: 2,
      last: 3,
    };
    deepStrictEqual(codec.decode(codec.encode(map)), { first: 1, last: 3 });
  });
});

describe.each(PLATFORMS)("scratch memory, with %s", (_, platform) => {
  const HUGE = "x".repeat(3 * 1024 * 1024);

  /** The sizes of the memory asked for since. */
  function watched() {
    const allocate = vi.fn<(size: number) => Uint8Array>((size) => platform.allocate(size));
    return { allocate, codec: createAvroCodec({ ...platform, allocate }) };
  }

  it.each([
    ["encode", (codec: ReturnType<typeof createAvroCodec>) => codec.encode(HUGE)],
    ["encode, refusing", (codec) => refusalOf(() => codec.encode([HUGE, Number.NaN]))],
    ["decode", (codec) => codec.decode(framed([Branch.String], sized(HUGE)))],
    ["decode, refusing", (codec) => refusalOf(() => codec.decode(framed([Branch.String], sized(HUGE), [0])))],
    ["decode, refusing base64", (codec) => refusalOf(() => codec.decode(HUGE.padEnd(HUGE.length + 1)))],
  ] satisfies [string, (codec: ReturnType<typeof createAvroCodec>) => unknown][])(
    "is given back where it is huge: %s",
    (__, run) => {
      const { allocate, codec } = watched();
      codec.decode(codec.encode("both sides have their memory"));
      run(codec);
      expect(Math.max(...allocate.mock.calls.map(([size]) => size))).toBeGreaterThan(2 ** 21);
      // By the next use at the latest.
      deepStrictEqual(codec.decode(codec.encode({ a: [7, "é"] })), { a: [7, "é"] });
      expect(allocate.mock.lastCall?.[0]).toBeLessThan(2 ** 12);
    },
  );

  it("is kept where it is not", () => {
    const { allocate, codec } = watched();
    const value = { list: Array.from({ length: 5000 }, (__, index) => `item ${index}`) };
    deepStrictEqual(codec.decode(codec.encode(value)), value);
    allocate.mockClear();
    for (let time = 0; time < 5; time++) deepStrictEqual(codec.decode(codec.encode(value)), value);
    expect(allocate).not.toHaveBeenCalled();
  });
});

describe("the exported functions", () => {
  it("encode and decode one value", () => {
    expect(encodeAvroValue({ a: [1, 2.5, "b"] })).toBe("wwHioz3/VYAiNw4CAmEMBgQCBgAAAAAAAARACgJiAAA=");
    deepStrictEqual(decodeAvroValue(encodeAvroValue({ a: [1, 2.5, "b"] })), { a: [1, 2.5, "b"] });
  });

  it("encode and decode lists of values", () => {
    const values = [1, "two", null, [3]];
    const blobs = encodeAvroValues(values);
    expect(blobs).toEqual(values.map(encodeAvroValue));
    deepStrictEqual(decodeAvroValues(blobs), values);
    deepStrictEqual(decodeAvroValues(blobs.slice(0, 1), { lossless: true }), [1n]);
    expect(() => encodeAvroValues([1, Number.NaN])).toThrow(PayloadError);
    expect(() => decodeAvroValues([encodeAvroValue(1), "?"])).toThrow(PayloadError);
  });

  it("keep the kinds of numbers on request", () => {
    const blob = encodeAvroValue([7, avroDouble(7), -0]);
    deepStrictEqual(decodeAvroValue(blob), [7, 7, -0]);
    deepStrictEqual(decodeAvroValue(blob, { lossless: true }), [7n, avroDouble(7), avroDouble(-0)]);
    deepStrictEqual(decodeAvroValue(blob, { lossless: false }), [7, 7, -0]);
  });
});
