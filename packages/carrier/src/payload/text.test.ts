import { afterEach, describe, expect, it, vi } from "vitest";

const TEXTS: readonly (readonly [text: string, wellFormed: string])[] = [
  ["", ""],
  ["plain", "plain"],
  ["é 語 🔑 \ufffd", "é 語 🔑 \ufffd"],
  ["\ud83d", "\ufffd"],
  ["a\ude00b", "a\ufffdb"],
  ["\ude00\ud83d", "\ufffd\ufffd"],
  ["\ud83d\ud83d\ude00", "\ufffd😀"],
  ["😀\ude00", "😀\ufffd"],
];

const native = Object.getOwnPropertyDescriptor(String.prototype, "isWellFormed");

afterEach(() => {
  if (native !== undefined) Reflect.defineProperty(String.prototype, "isWellFormed", native);
  vi.resetModules();
});

describe.each(["with", "without"])("text, %s String.prototype.isWellFormed", (availability) => {
  it.each(TEXTS)("%j", async (text, wellFormed) => {
    vi.resetModules();
    if (availability === "without") Reflect.deleteProperty(String.prototype, "isWellFormed");
    const { isWellFormed } = await import("./text.js");
    for (let time = 0; time < 2; time++) {
      expect(isWellFormed(text)).toBe(text === wellFormed);
    }
  });
});
