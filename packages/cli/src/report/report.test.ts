import { describe, expect, it } from "vitest";
import { palette, terminalText } from "../shell/terminal-text.js";
import { durationText } from "./duration.js";
import { table } from "./table.js";
import { failureText, progressText } from "./words.js";

const plain = { paint: palette(false), columns: undefined };
const progress = { current: null, total: null, unit: null, message: null };

describe("table", () => {
  it("lines up, keeps to one line, and leaves no spaces at the ends", () => {
    expect(
      table(
        ["A", "LONG", "C"],
        [
          ["first", "x", "1\n  2"],
          [{ text: "y", paint: "red" }, "", ""],
        ],
        plain,
      ),
    ).toBe("A      LONG  C\nfirst  x     1 2\ny");
  });

  it("cuts the last column where the terminal ends, colours apart", () => {
    const shown = table(["A", "B"], [["ab", { text: "c".repeat(90), paint: "green" }]], {
      paint: palette(true),
      columns: 80,
    });
    expect(terminalText(shown).split("\n")[1]).toBe(`ab  \u001b[32m${"c".repeat(73)}...\u001b[0m`);
  });
});

describe("progressText", () => {
  it.each([
    [{ current: 6, total: 12, unit: "months", message: "June" }, "[############------------] 6/12 months  June"],
    [{ current: 20, total: 10 }, "[########################] 20/10"],
    [{ current: -1, total: 10 }, "[------------------------] -1/10"],
    [{ current: 3, unit: "rows" }, "3 rows"],
    [{ total: 0 }, "0/0"],
    [{ message: "warming up" }, "warming up"],
    [{}, ""],
  ])("shows %j", (given, text) => {
    expect(progressText({ ...progress, ...given })).toBe(text);
  });
});

it.each([
  [0, "0 ms"],
  [-5, "0 ms"],
  [999, "999 ms"],
  [1500, "1.5 s"],
  [61_000, "1 min 1 s"],
  [3_725_000, "1 h 2 min"],
])("%i ms is %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it("a failure without a type is its message", () => {
  const failure = {
    type: null,
    message: "no luck",
    category: null,
    nonRetryable: false,
    details: null,
    stackTrace: null,
  };
  expect([failureText(failure), failureText({ ...failure, type: "Luckless" })]).toEqual([
    "no luck",
    "Luckless: no luck",
  ]);
});
