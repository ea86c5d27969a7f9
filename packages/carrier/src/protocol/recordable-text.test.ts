import { describe, expect, it } from "vitest";
import { recordableName, recordableTextInBytes } from "./recordable-name.js";
import { isVisibleText, recordableText } from "./recordable-text.js";

const MEND = "\ufffd";

describe("recordableText", () => {
  it.each([
    ["plain text", "all is well\n\t", "all is well\n\t"],
    ["nothing", "", ""],
    ["U+0000", "a\0b\0", `a${MEND}b${MEND}`],
    ["a lone high surrogate", "a\ud83d", `a${MEND}`],
    ["a lone low surrogate", "\ude00b", `${MEND}b`],
    ["halves in the wrong order", "\ude00\ud83d", MEND + MEND],
    ["a pair", "\u{1f600}", "\u{1f600}"],
  ])("takes %s", (_, text, expected) => {
    expect(recordableText(text)).toBe(expected);
  });

  it.each([
    ["abcdef", 3, "abc"],
    ["abc", 3, "abc"],
    ["ab\u{1f600}", 3, "ab"],
    ["ab\u{1f600}", 4, "ab\u{1f600}"],
    ["\u{1f600}", 1, ""],
    ["abc", 0, ""],
    ["a\ud83d\ud83d\ude00", 2, "a"],
    ["\0\0\0", 2, MEND + MEND],
  ])("cuts %j at %d units between characters", (text, most, expected) => {
    expect(recordableText(text, most)).toBe(expected);
  });
});

describe("recordableTextInBytes", () => {
  it.each([
    ["abcdef", 3, "abc"],
    ["\u00e9\u00e9\u00e9", 5, "\u00e9\u00e9"],
    ["\u20ac\u20ac", 5, "\u20ac"],
    ["\u{1f600}\u{1f600}", 7, "\u{1f600}"],
    ["a\0b", 4, `a${MEND}`],
    ["\ud83d", 2, ""],
    ["\ud83d", 3, MEND],
    ["abc", 0, ""],
  ])("cuts %j at %d bytes between characters", (text, most, expected) => {
    expect(recordableTextInBytes(text, most)).toBe(expected);
  });

  it("never exceeds its limit, whatever the text", () => {
    const encoder = new TextEncoder();
    const parts = ["a", "\u00e9", "\u20ac", "\u{1f600}", "\0", "\ud83d", "\ude00"];
    for (let length = 0; length < 30; length++) {
      const text = Array.from({ length }, (_, index) => parts[(index * 5 + length) % parts.length]).join("");
      for (let most = 0; most < 40; most++) {
        const cut = recordableTextInBytes(text, most);
        expect(encoder.encode(cut).length).toBeLessThanOrEqual(most);
        expect(recordableText(text).startsWith(cut)).toBe(true);
      }
    }
  });
});

describe("recordableName", () => {
  it.each([
    ["TypeError", "TypeError"],
    [" Padded ", "Padded"],
    ["Nul\0Error", `Nul${MEND}Error`],
    ["two\nlines", `two${MEND}lines`],
    ["\u001b[31mRed", `${MEND}[31mRed`],
    ["", null],
    ["  ", null],
    ["\u200b", null],
    ["x".repeat(300), "x".repeat(255)],
    ["\u20ac".repeat(100), "\u20ac".repeat(85)],
  ])("makes of %j the name %j", (text, name) => {
    expect(recordableName(text)).toBe(name);
  });
});

it.each([
  ["a", true],
  [MEND, true],
  ["\u20ac", true],
  ["", false],
  [" \t\r\n", false],
  ["\0\u0001\u200b\u200e\ufeff\u00a0", false],
])("isVisibleText(%j) is %s", (text, visible) => {
  expect(isVisibleText(text)).toBe(visible);
});
