import fc from "fast-check";

const PLAIN = /^[\x20-\x7e]{0,200}$/;

/** Whether nobody has a reason to alter a text. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text) && text.trim() !== "";
}

/** Texts that break parsers, databases and terminals. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udc00 low first",
    "cut \ud83d",
    "\u{1f600}\u{10ffff}",
    "\u001b[2J\u001b]0;title\u0007",
    "\u009b31m\u0090q\u009c",
    "line\r\nforged: 12:00:00  done\rover",
    "\u2028\u2029\u0085",
    "\u202etxt.exe\u2066",
    "\ufeffbom",
    "__proto__",
    "constructor",
    "\uffff\ufffe",
  ),
  fc.constantFrom("x", "\u{1f4a3}", "\0", "\ud800", "\u001b").map((text) => text.repeat(200_000 / text.length)),
  // One that is cut between the halves of a character, wherever even lengths are cut.
  fc.constantFrom(1, 2, 3).map((lead) => `${"x".repeat(lead)}${"\u{1f600}".repeat(40_000)}`),
);

/** Names as programs have them, mostly. */
export const errorName: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("Error", "CardDeclined", "TypeError", "a.b-c:d") },
  { weight: 1, arbitrary: oddText },
);

/** Values that every language of the protocol has. */
export const goodValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1.5, 2 ** 40, "", "done", "\u{1f600}", [], {}),
  fc.jsonValue({ maxDepth: 3, noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  fc.constant("y".repeat(100_000)),
  fc.array(fc.integer(), { maxLength: 200 }),
);

const cyclic = (): object => {
  const value: Record<string, unknown> = {};
  value["itself"] = value;
  return value;
};

export const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

const refusing = (): never => {
  throw new Error("not for reading");
};

/** An object every access to which throws. */
export const hostileProxy = (): object =>
  new Proxy(
    {},
    {
      get: refusing,
      has: refusing,
      ownKeys: refusing,
      getPrototypeOf: refusing,
      getOwnPropertyDescriptor: refusing,
      set: refusing,
    },
  );

export const throwingGetters = (): object =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      ["name", "message", "stack", "cause", "type", "details", "retryable", "then", "toJSON"].map((name) => [
        name,
        { get: refusing, enumerable: true },
      ]),
    ),
  );

/** Values that have no form on the wire. Made anew for each use. */
export const refusedValue: fc.Arbitrary<() => unknown> = fc.constantFrom<(() => unknown)[]>(
  () => () => 1,
  () => Symbol("s"),
  () => cyclic(),
  () => [[[cyclic()]]],
  () => new Map([[1, 2]]),
  () => 2n ** 80n,
  () => ({ deep: { deeper: Symbol("s") } }),
  () => throwingGetters.bind(undefined),
);

/** Values of which it is for the codec to say whether they have a form. */
export const doubtfulValue: fc.Arbitrary<() => unknown> = fc.oneof(
  oddText.map((text) => () => text),
  oddText.map((text) => () => ({ [text]: [text] })),
  fc.constantFrom<(() => unknown)[]>(
    () => Number.NaN,
    () => Number.NEGATIVE_INFINITY,
    () => -0,
    () => new Date(Number.NaN),
    () => new Date(0),
    () => new Uint8Array([0, 255]),
    () => Object.create(null) as object,
    () => JSON.parse('{"__proto__": {"polluted": true}}') as object,
    () => Object.assign([], { length: 3 }),
    () => new Error("as a value"),
    () => 2n ** 63n - 1n,
    () =>
      new (class Lamp {
        lit = true;
      })(),
  ),
);

/** What people throw that is no error. */
export const thrownOddity: fc.Arbitrary<() => unknown> = fc.constantFrom<(() => unknown)[]>(
  () => undefined,
  () => null,
  () => Symbol("thrown"),
  () => 42,
  () => Number.NaN,
  () => 10n,
  () => "",
  () => () => "a function",
  () => ({}),
  () => [],
  () => Object.create(null) as object,
  () => ({ message: 7, name: {}, stack: [] }),
  revoked,
  hostileProxy,
  throwingGetters,
  () => new Proxy(new Error("behind a proxy"), {}),
  () => Object.freeze(new Error("frozen")),
  () => Object.setPrototypeOf(new Error("without a prototype"), null) as object,
  () => Promise.resolve("thrown promise"),
);
