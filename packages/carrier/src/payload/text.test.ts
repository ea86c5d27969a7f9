import { expect, it } from "vitest";
import { isWellFormed } from "./text.js";

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

it.each(TEXTS)("%j", (text, wellFormed) => {
  expect(isWellFormed(text)).toBe(text === wellFormed);
});
