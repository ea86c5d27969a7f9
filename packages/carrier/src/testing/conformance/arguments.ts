import { encodeAvroValue } from "../../payload/codec.js";
import { type AvroValue, avroDouble } from "../../payload/value.js";
import { framed, task, variants } from "./request.js";
import type { ConformanceCase } from "./types.js";

const avro = (value: AvroValue) => ({ codec: "avro", blob: encodeAvroValue(value) });

/** Values that must come back exactly: what is told apart in the codec must be told apart by the language. */
const ECHOED: readonly { readonly id: string; readonly value: AvroValue }[] = [
  { id: "values/null", value: null },
  { id: "values/true", value: true },
  { id: "values/false", value: false },
  { id: "values/zero", value: 0 },
  { id: "values/long", value: 7 },
  { id: "values/negative-zero", value: -0 },
  { id: "values/fraction", value: 0.1 },
  { id: "values/largest-double", value: avroDouble(Number.MAX_VALUE) },
  { id: "values/smallest-double", value: Number.MIN_VALUE },
  { id: "values/int64-maximum", value: 9_223_372_036_854_775_807n },
  { id: "values/int64-minimum", value: -9_223_372_036_854_775_808n },
  { id: "values/beyond-safe-integers", value: 9_007_199_254_740_993n },
  { id: "values/empty-text", value: "" },
  { id: "values/unicode-text", value: "Grüße, мир, 世界, e\u0301 \u200f\ufeff" },
  { id: "values/astral-text", value: "😀👩‍🚀𝒳\u{10ffff}" },
  { id: "values/nul-in-text", value: "a\u0000b" },
  { id: "values/numeric-text", value: "7" },
  { id: "values/long-text", value: "çа😀x".repeat(20_000) },
  { id: "values/bytes", value: Uint8Array.of(0, 1, 127, 128, 255) },
  { id: "values/no-bytes", value: new Uint8Array(0) },
  { id: "values/empty-list", value: [] },
  { id: "values/nested-list", value: [[], [[null]], [1, "1", 1.5, true]] },
  { id: "values/empty-map", value: {} },
  { id: "values/nested-map", value: { list: [{ of: { maps: {} } }], null: null } },
  { id: "values/numeric-map-keys", value: { "0": "a", "1": "b", "-1": "c", "": "d" } },
  { id: "values/inherited-map-keys", value: mapOf(["__proto__", { a: 1 }], ["constructor", 2], ["toString", null]) },
  { id: "values/unicode-map-keys", value: { "ключ 😀": 1, "a\u0000b": 2 } },
];

const SHAPES: readonly {
  readonly id: string;
  readonly contract: string;
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly value: AvroValue;
}[] = [
  {
    id: "arguments/list",
    contract: "Arguments that decode to a list are the positional arguments.",
    payload: avro(["a", 2, null]),
    value: ["a", 2, null],
  },
  {
    id: "arguments/empty-list",
    contract: "An empty list is no arguments.",
    payload: avro([]),
    value: [],
  },
  {
    id: "arguments/null-field",
    contract: "`payloads.arguments` null is no arguments.",
    payload: null,
    value: [],
  },
  {
    id: "arguments/null-value",
    contract: "A decoded null is no arguments.",
    payload: avro(null),
    value: [],
  },
  {
    id: "arguments/list-of-null",
    contract: "A list that holds null is one argument, which is null.",
    payload: avro([null]),
    value: [null],
  },
  {
    id: "arguments/list-in-list",
    contract: "Only the outer list is taken apart.",
    payload: avro([[1, 2]]),
    value: [[1, 2]],
  },
  {
    id: "arguments/single-text",
    contract: "Any other decoded value is one argument.",
    payload: avro("alone"),
    value: ["alone"],
  },
  {
    id: "arguments/single-false",
    contract: "Any other decoded value is one argument, however empty it looks.",
    payload: avro(false),
    value: [false],
  },
  {
    id: "arguments/single-map",
    contract: "A decoded map is one argument.",
    payload: avro({ "0": "a", "1": "b" }),
    value: [{ "0": "a", "1": "b" }],
  },
  {
    id: "arguments/single-bytes",
    contract: "Decoded bytes are one argument.",
    payload: avro(Uint8Array.of(1, 2, 3)),
    value: [Uint8Array.of(1, 2, 3)],
  },
  {
    id: "arguments/several-blocks",
    contract: "A list may be written in several blocks, one of them with its size in bytes.",
    // Blocks of one long (2), and of one long (3) as -1, size 2; then the end.
    payload: { codec: "avro", blob: framed(12, 2, 4, 4, 1, 4, 4, 6, 0) },
    value: [2, 3],
  },
];

export const argumentCases: readonly ConformanceCase[] = [
  ...variants(SHAPES, ({ contract, payload, value }) => ({
    requirement: "required",
    contract,
    request: task("conformance.arguments", undefined, { payload }),
    expect: { outcome: "success", value },
  })),
  {
    id: "arguments/count",
    requirement: "required",
    contract: "Arguments keep their number, trailing nulls included.",
    request: task("conformance.count", [1, null, null]),
    expect: { outcome: "success", value: 3 },
  },
  {
    id: "arguments/unknown-payload-fields",
    requirement: "required",
    contract: "Unknown fields of a payload envelope are ignored.",
    request: task("conformance.arguments", undefined, { payload: { ...avro([1]), content_type: "x", size: "y" } }),
    expect: { outcome: "success", value: [1] },
  },
  ...variants(ECHOED, ({ value }) => ({
    requirement: "required",
    contract: "Every value of the codec passes through arguments and result unchanged, its kind included.",
    request: task("conformance.echo", [value]),
    expect: { outcome: "success", value },
  })),
  {
    id: "values/double-returned",
    requirement: "required",
    contract: "7.0 is not 7: a handler can return a double whose value is an integer.",
    request: task("conformance.as-double", [7]),
    expect: { outcome: "success", value: avroDouble(7) },
  },
  {
    id: "values/double-echoed",
    requirement: "recommended",
    contract:
      "7.0 is not 7: a double whose value is an integer reaches the handler as one, where the language has both.",
    request: task("conformance.echo", [avroDouble(7)]),
    expect: { outcome: "success", value: avroDouble(7) },
  },
  {
    id: "values/nothing",
    requirement: "required",
    contract: "A handler that returns nothing returns null.",
    request: task("conformance.nothing"),
    expect: { outcome: "success", value: null },
  },
];

/** A map with keys that an object literal would not take for data. */
function mapOf(...entries: readonly (readonly [string, AvroValue])[]): AvroValue {
  return Object.fromEntries(entries);
}
