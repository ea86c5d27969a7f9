import { describe, expect, it } from "vitest";
import { examineArguments, hexOfBase64, typedValue } from "./typed-value.js";

describe("the notation of typed values", () => {
  it.each([
    [null, { kind: "null" }],
    [true, { kind: "boolean", value: true }],
    ["x", { kind: "text", text: "x" }],
    [7, { kind: "long", digits: "7" }],
    [0.5, { kind: "double", digits: "0.5" }],
    [
      { $type: "long", value: "9223372036854775807" },
      { kind: "long", digits: "9223372036854775807" },
    ],
    [
      { $type: "double", value: "7.0" },
      { kind: "double", digits: "7.0" },
    ],
    [
      { $type: "bytes", base64: "3q2+7w==" },
      { kind: "bytes", base64: "3q2+7w==", size: 4 },
    ],
    [
      { $type: "map", entries: [{ key: "$type", value: 1 }] },
      { kind: "map", entries: [["$type", 1]] },
    ],
    [{ a: 1 }, { kind: "map", entries: [["a", 1]] }],
    [{ $type: "other" }, { kind: "map", entries: [["$type", "other"]] }],
    [[1, [2]], { kind: "list", items: [1, [2]] }],
  ])("%j", (document, value) => {
    expect(typedValue(document)).toEqual(value);
  });

  it("bytes are told in hex", () => {
    expect(hexOfBase64("3q2+7w==", 64)).toBe("de ad be ef");
    expect(hexOfBase64("3q2+7w==", 2)).toBe("de ad");
    expect(hexOfBase64("", 2)).toBe("");
  });
});

it.each([
  ["", "no arguments"],
  ['["Ada", 7]', "2 arguments · 10 B"],
  ['{"a":1}', "1 argument · 7 B"],
  ["[[]]", "1 argument · 4 B"],
  ["[null]", "1 argument · 6 B"],
  ["[9223372036854775807, 0.5]", "2 arguments · 26 B · 64-bit integer · double"],
])("arguments %j are %s", (text, said) => {
  expect(examineArguments(text)).toEqual({ text: said, problem: null });
});

it("what is no JSON is told before it is sent", () => {
  expect(examineArguments('["a"').problem).toMatch(/JSON/);
});
