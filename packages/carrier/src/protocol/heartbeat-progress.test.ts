import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { angryProxy, revokedProxy, withAngryGetters } from "../../test/support/hostile.js";
import { sanitizeHeartbeatProgress } from "./heartbeat-progress.js";

const KEY = /^[A-Za-z0-9_.:-]{1,64}$/;
/** What PHP makes an integer of, and so a list of the whole map. */
const PHP_INTEGER = /^-?\d+$/;
const FIELDS = ["message", "current", "total", "unit", "details"];

/** The engine's limits, written anew. */
function expectWithinLimits(progress: unknown): void {
  if (progress === undefined) return;
  const sent = JSON.parse(JSON.stringify(progress)) as Record<string, unknown>;
  expect(sent).not.toEqual({});
  expect(FIELDS).toEqual(expect.arrayContaining(Object.keys(sent)));
  const { message, current, total, unit, details } = sent;
  for (const [text, longest] of [
    [message, 280],
    [unit, 64],
  ] as const) {
    if (text === undefined) continue;
    expectText(text, longest);
    expect((text as string).trim()).not.toBe("");
  }
  for (const count of [current, total]) {
    if (count !== undefined) expect(count).toBeGreaterThanOrEqual(0);
  }
  if (unit !== undefined) expect(current ?? total).toBeDefined();
  if (details === undefined) return;
  const entries = Object.entries(details as object);
  expect(Array.isArray(details)).toBe(false);
  expect(entries.length).toBeGreaterThan(0);
  expect(entries.length).toBeLessThanOrEqual(20);
  for (const [key, value] of entries) {
    expect(key).toMatch(KEY);
    expect(key).not.toMatch(PHP_INTEGER);
    if (typeof value === "string") expectText(value, 191);
    else expect(["number", "boolean", "null"]).toContain(value === null ? "null" : typeof value);
  }
}

function expectText(text: unknown, longest: number): void {
  expect(typeof text).toBe("string");
  expect((text as string).length).toBeLessThanOrEqual(longest);
  expect(text).not.toMatch(/\p{Surrogate}|\0/u);
}

/** What becomes of one value among the details. */
function detail(value: unknown): unknown {
  const { progress, changed } = sanitizeHeartbeatProgress({ details: { value } });
  const fitting = progress?.details?.["value"];
  if (!Object.is(fitting, value)) expect(changed).toContain(value === undefined ? "details" : "details.value");
  return fitting;
}

const LAMP = "💡";

describe("sanitizeHeartbeatProgress", () => {
  it.each([
    [{ message: "dimming", current: 2, total: 7, unit: "lamps", details: { room: "cellar", on: true, level: null } }],
    [{ message: "m".repeat(280), current: 0, unit: "u".repeat(64) }],
    [{ message: LAMP.repeat(140) }],
    [{ current: 11, total: 10 }],
    [{ current: 0.5, total: 1e300 }],
    [{ total: 3, unit: "lamps" }],
    [{ details: { [`${"k".repeat(60)}_.:-`]: "v".repeat(191), "0x": -1.5, constructor: "c", __proto_: false } }],
    [{ details: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, index])) }],
  ])("leaves alone what fits: %j", (progress) => {
    expect(sanitizeHeartbeatProgress(progress)).toEqual({ progress, changed: [] });
  });

  it.each([[undefined], [null], [{}], [{ message: null, current: undefined, details: null }]])(
    "has nothing to say about %j",
    (progress) => {
      expect(sanitizeHeartbeatProgress(progress)).toEqual({ progress: undefined, changed: [] });
    },
  );

  it("shares nothing with what it was given", () => {
    const details = { room: "cellar", lamps: [1, 2] };
    const progress = { current: 1, details };
    const { progress: taken } = sanitizeHeartbeatProgress(progress);
    progress.current = 2;
    details.room = "attic";
    details.lamps.push(3);
    expect(taken).toEqual({ current: 1, details: { room: "cellar", lamps: "[1,2]" } });
  });

  it.each([
    ["a blank message", { message: " \t\n\u00a0" }, undefined, ["message"]],
    ["an empty message", { message: "" }, undefined, ["message"]],
    ["a message nobody sees", { message: "\u200b\ufeff\u0007" }, undefined, ["message"]],
    ["a message that is no text", { message: { text: "x" } }, undefined, ["message"]],
    ["a long message", { message: "m".repeat(281) }, { message: "m".repeat(280) }, ["message"]],
    ["a message cut to blanks", { message: `${" ".repeat(280)}m` }, undefined, ["message"]],
    ["a pair at the cut", { message: `${"m".repeat(279)}${LAMP}${LAMP}` }, { message: "m".repeat(279) }, ["message"]],
    ["a lone surrogate", { message: "a\ud83d b\udca1" }, { message: "a\ufffd b\ufffd" }, ["message"]],
    ["a null character", { message: "a\0b" }, { message: "a\ufffdb" }, ["message"]],

    ["a negative count", { current: -1, total: 2 }, { total: 2 }, ["current"]],
    ["counts that are no numbers", { current: "1", total: {} }, undefined, ["current", "total"]],
    ["NaN", { current: Number.NaN }, undefined, ["current"]],
    ["infinity", { total: Number.POSITIVE_INFINITY }, undefined, ["total"]],
    ["a bigint", { current: 5n }, { current: 5 }, ["current"]],
    ["a negative bigint", { current: -5n }, undefined, ["current"]],
    ["a bigint beyond all numbers", { current: 10n ** 400n }, undefined, ["current"]],

    ["a unit of nothing", { unit: "lamps" }, undefined, ["unit"]],
    ["a unit of nothing that counts", { unit: "lamps", current: -1 }, undefined, ["current", "unit"]],
    ["a unit of a message", { unit: "lamps", message: "m" }, { message: "m" }, ["unit"]],
    ["a long unit", { total: 1, unit: "u".repeat(65) }, { total: 1, unit: "u".repeat(64) }, ["unit"]],
    ["an empty unit", { total: 1, unit: "" }, { total: 1 }, ["unit"]],

    ["no details", { details: {} }, undefined, ["details"]],
    ["details that are text", { details: "x" }, undefined, ["details"]],
    ["details that are a Map", { details: new Map([["a", 1]]) }, undefined, ["details"]],
    ["details that are a list", { details: [7, "x"] }, { details: { _0: 7, _1: "x" } }, ["details._0", "details._1"]],
    ["keys that PHP takes for integers", { details: { 0: "a", "-5": "b" } }, { details: { _0: "a", "_-5": "b" } }],
    [
      "a key of digits that is too long",
      { details: { ["1".repeat(70)]: 1 } },
      { details: { [`_${"1".repeat(63)}`]: 1 } },
    ],
    ["characters no key has", { details: { "lamp 7/ä": 1 } }, { details: { lamp_7__: 1 } }, ["details.lamp_7__"]],
    ["an empty key", { details: { "": 1, a: 2 } }, { details: { a: 2 } }, ["details"]],
    ["a long key", { details: { ["k".repeat(65)]: 1 } }, { details: { ["k".repeat(64)]: 1 } }],
    ["keys that become one", { details: { "a b": 1, a_b: 2, "a/b": 3 } }, { details: { a_b: 1 } }, ["details.a_b"]],
    [
      "values that JSON has no word for",
      { details: { a: undefined, b: Symbol("b"), c: () => 1, d: 4 } },
      { details: { d: 4 } },
      ["details.b", "details.c"],
    ],
    ["progress that is text", "half way", undefined, ["progress"]],
    ["progress that is a number", 5, undefined, ["progress"]],
    ["fields it does not know", { current: 1, lease_owner: "somebody" }, { current: 1 }, []],
  ])("makes fit: %s", (_, given, progress, changed?: readonly string[]) => {
    const taken = sanitizeHeartbeatProgress(given);
    expect(taken.progress).toEqual(progress);
    if (changed !== undefined) expect(taken.changed).toEqual(changed);
    else expect(taken.changed).not.toEqual([]);
  });

  it("keeps a key called __proto__ as one", () => {
    const { progress } = sanitizeHeartbeatProgress({ details: JSON.parse('{"__proto__":{"a":1}}') });
    expect(JSON.stringify(progress)).toBe('{"details":{"__proto__":"{\\"a\\":1}"}}');
    expect(Object.getPrototypeOf(progress?.details)).toBe(Object.prototype);
  });

  it("takes own properties for details, not inherited ones", () => {
    expect(sanitizeHeartbeatProgress({ details: Object.create({ a: 1 }) as object }).progress).toBeUndefined();
  });

  it("keeps the first 20 details, and says so once", () => {
    const details = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, index]));
    const { progress, changed } = sanitizeHeartbeatProgress({ details });
    expect(Object.keys(progress?.details ?? {})).toEqual(Object.keys(details).slice(0, 20));
    expect(changed).toEqual(["details"]);
  });

  it("names no more than a few of the fields it changed", () => {
    const details = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, Symbol("x")]));
    expect(sanitizeHeartbeatProgress({ details }).changed.length).toBeLessThan(30);
  });

  it.each([
    [Number.NaN, null],
    [Number.NEGATIVE_INFINITY, null],
    [7n, 7],
    [-(2n ** 53n) + 1n, -(2 ** 53) + 1],
    [2n ** 53n, "9007199254740992"],
    [-(10n ** 300n), `-1${"0".repeat(189)}`],
    ["x".repeat(192), "x".repeat(191)],
    [`${"x".repeat(190)}${LAMP}`, "x".repeat(190)],
    ["\udca1", "\ufffd"],
    ["", ""],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(Number.NaN), null],
    [new URL("https://lamps.example/7"), "https://lamps.example/7"],
    [[], "[]"],
    [{}, "{}"],
    [new Map([[1, 2]]), "{}"],
    [
      { room: { lamps: [1, 7n, "x"] }, at: new Date(0) },
      '{"room":{"lamps":[1,7,"x"]},"at":"1970-01-01T00:00:00.000Z"}',
    ],
    [["y".repeat(500)], `["${"y".repeat(189)}`],
    [[`${"y".repeat(188)}${LAMP}`], `["${"y".repeat(188)}`],
    [{ toJSON: () => "z".repeat(500) }, "z".repeat(191)],
    [{ toJSON: () => undefined }, undefined],
    [{ toJSON: () => 5 }, 5],
  ])("makes a scalar of %o", (value, expected) => {
    expect(detail(value)).toBe(expected);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  let deep: unknown = [];
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];

  it.each([
    ["a cycle", { details: { bad: cyclic, good: 1 } }, ["details.bad"]],
    ["a nesting without end", { details: { bad: deep, good: 1 } }, ["details.bad"]],
    ["a toJSON that throws", { details: { bad: withAngryGetters({}, "toJSON"), good: 1 } }, ["details.bad"]],
    ["a getter that throws", { details: withAngryGetters({ bad: 1, good: 1 }, "bad") }, ["details.bad"]],
    ["a proxy among the details", { details: { bad: angryProxy(), good: 1 } }, ["details.bad"]],
    ["a revoked proxy among the details", { details: { bad: revokedProxy(), good: 1 } }, ["details.bad"]],
    ["a field that throws", withAngryGetters({ message: "m", details: { good: 1 } }, "message"), ["message"]],
  ])("leaves out what cannot be read, and nothing else: %s", (_, given, changed) => {
    expect(sanitizeHeartbeatProgress(given)).toEqual({ progress: { details: { good: 1 } }, changed });
  });

  it.each([
    ["a proxy", angryProxy(), FIELDS],
    ["a revoked proxy", revokedProxy(), FIELDS],
    ["details that are a proxy", { details: angryProxy() }, ["details"]],
    ["details that are a revoked proxy", { details: revokedProxy() }, ["details"]],
  ])("survives %s", (_, given, changed) => {
    expect(sanitizeHeartbeatProgress(given)).toEqual({ progress: undefined, changed });
  });

  /** Any values, some of them of a heartbeat's shape. */
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "binary", minLength: 150, maxLength: 400 }));
  const halves = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
    .map((units) => String.fromCharCode(...units));
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
  });
  const value = fc.oneof(anything, text, halves, fc.double(), fc.bigInt());
  const key = fc.oneof(text, halves, fc.integer().map(String), fc.constantFrom("__proto__", "toString", ""));
  const progress = fc.oneof(
    anything,
    fc.record(
      {
        message: value,
        current: value,
        total: value,
        unit: value,
        details: fc.dictionary(key, value, { maxKeys: 40 }),
      },
      { requiredKeys: [] },
    ),
  );

  it("makes of everything what the engine takes, and then has nothing more to change", () => {
    fc.assert(
      fc.property(progress, (given) => {
        const first = sanitizeHeartbeatProgress(given);
        expectWithinLimits(first.progress);
        expect(sanitizeHeartbeatProgress(first.progress)).toEqual({ progress: first.progress, changed: [] });
      }),
      { numRuns: 2000 },
    );
  });

  it("changes nothing that is within the limits", () => {
    const fitting = fc.record(
      {
        message: fc.string({ minLength: 1, maxLength: 280 }).map((words) => `${words.slice(0, 279)}!`),
        current: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
        total: fc.maxSafeNat(),
        details: fc.dictionary(
          fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/),
          fc.oneof(
            fc.string({ maxLength: 191 }),
            fc.double({ noNaN: true, noDefaultInfinity: true }),
            fc.boolean(),
            fc.constant(null),
          ),
          { minKeys: 1, maxKeys: 20 },
        ),
      },
      { requiredKeys: ["current"] },
    );
    fc.assert(
      fc.property(fitting, (given) => {
        const taken = sanitizeHeartbeatProgress(given);
        expect(taken.changed).toEqual([]);
        expect(JSON.stringify(taken.progress)).toBe(JSON.stringify(given));
      }),
    );
  });
});
