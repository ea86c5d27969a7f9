import { describe, expect, it } from "vitest";
import { palette, printable, terminalText } from "./terminal-text.js";

describe("printable", () => {
  it.each([
    ["ESC", "\u001b[2J", "\\u001b[2J"],
    ["OSC and BEL", "\u001b]0;x\u0007", "\\u001b]0;x\\u0007"],
    ["CR", "right\rwrong", "right\\u000dwrong"],
    ["CR before LF", "one\r\ntwo", "one\ntwo"],
    ["backspace, NUL and DEL", "a\b\0\u007f", "a\\u0008\\u0000\\u007f"],
    ["C1", "\u009b31m\u0090", "\\u009b31m\\u0090"],
    ["bidi overrides, isolates and marks", "\u202e\u2066\u200f\u061c", "\\u202e\\u2066\\u200f\\u061c"],
    ["separators of lines", "\u2028\u2029\u0085", "\\u2028\\u2029\\u0085"],
    ["what is not seen", "a\u200bb\u00adc\ufeff", "a\\u200bb\\u00adc\\ufeff"],
    ["tags, in two halves", "\u{e0041}", "\\udb40\\udc41"],
    ["half a character", "\ud83d", "\\ud83d"],
  ])("spells %s", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(printable(shown)).toBe(shown);
    // Within JSON it is what it was.
    if (!text.includes("\r\n")) expect(JSON.parse(printable(JSON.stringify({ text })))).toEqual({ text });
  });

  it.each(["Grüße, 世界\n\tשלום", "👩‍👩‍👧 ❤️ نمی‌خواهم", "C:\\u0041"])("leaves %j", (text) => {
    expect(printable(text)).toBe(text);
  });
});

describe("terminalText", () => {
  const { red, bold } = palette(true);

  it("has our own styles, whatever is within them", () => {
    expect(terminalText(`${bold(red("a\u001b[0m"))} b`)).toBe("\u001b[1m\u001b[31ma\\u001b[0m\u001b[0m\u001b[0m b");
  });

  it("has none without colours", () => {
    expect(palette(false).red("a")).toBe("a");
  });

  it("lets nobody style text who has not our mark", () => {
    const mark = red("").slice(0, red("").indexOf("31;"));
    for (const forged of ["\u{10fffe}31;", "\u{10fffe}00000000-0000-0000-0000-000000000000:31;", `${mark}5;`]) {
      expect(terminalText(forged)).not.toContain("\u001b");
    }
  });
});
