import { describe, expect, it } from "vitest";
import { scanJson, TOO_DEEP, TOO_MANY } from "./json-shape.js";

const MANY = Number.POSITIVE_INFINITY;

describe("the shape of a JSON text", () => {
  it.each([
    ["1", 0],
    ["[]", 1],
    ["[1,2,3]", 3],
    [`{"a":1,"b":[{},{}]}`, 6],
    [String.raw`["[[[[,,,,", "\\\"[,", "\\\\"]`, 3],
    [`["an open string, [[[`, 1],
  ])("of %j has %i values", (text, values) => {
    expect(scanJson(text, 100, 100)).toBe(values);
  });

  it("is too deep from one level more than the limit on", () => {
    expect(scanJson("[".repeat(512), 512, MANY)).toBe(512);
    expect(scanJson("[".repeat(513), 512, MANY)).toBe(TOO_DEEP);
    expect(scanJson("[]".repeat(513), 512, MANY)).toBe(513);
  });

  it("has too many values, or properties, from one more than the limit on", () => {
    expect(scanJson(`[${"0,".repeat(99)}0]`, 9, 100)).toBe(100);
    expect(scanJson(`[${"0,".repeat(100)}0]`, 9, 100)).toBe(TOO_MANY);
    expect(scanJson(`{${'"a":1,'.repeat(4)}"b":1}`, 9, 100, 5)).toBe(5);
    expect(scanJson(`{${'"a":1,'.repeat(5)}"b":1}`, 9, 100, 5)).toBe(TOO_MANY);
  });

  it("is looked at without a look at each character of a string", () => {
    const strings = `["${"x".repeat(2 ** 25)}","${"\\\\".repeat(2 ** 23)}"]`;
    const listed = `[${"1 ".repeat(2 ** 24)}]`;
    // The fastest of a few: a machine that is busy stops one of them, and not all.
    const fastest = (text: string, values: number): number =>
      Math.min(
        ...[1, 2, 3].map(() => {
          const began = performance.now();
          expect(scanJson(text, 9, 9)).toBe(values);
          return performance.now() - began;
        }),
      );
    expect(fastest(strings, 2)).toBeLessThan(fastest(listed, 1) + 1000);
  });
});
