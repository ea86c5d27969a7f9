import { expect, it } from "vitest";
import { parseBody } from "./body.js";

const pieces = (text: string): readonly Buffer[] => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / 10_000) }, (_, n) =>
    bytes.subarray(n * 10_000, (n + 1) * 10_000),
  );
};

it("what is read of a body stays, though the memory that it was put together in is used again", () => {
  const texts = ["a".repeat(1_100_000), "b".repeat(1_200_000), "\u00e9".repeat(50_000), "c".repeat(20_000), "d"];
  const parsed = texts.map((text) => parseBody(pieces(JSON.stringify({ input: [text] })), "application/json"));
  for (const [index, { object, text }] of parsed.entries()) {
    expect(object).toEqual({ input: [texts[index]] });
    expect(JSON.parse(text)).toEqual(object);
  }
  // Smaller than what was there before, and nothing of that behind it.
  expect(parseBody([Buffer.from("{"), Buffer.from("}")], "application/json").object).toEqual({});
});
