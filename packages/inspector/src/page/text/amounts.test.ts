import { describe, expect, it } from "vitest";
import { bytes, count, counted, duration, ticking } from "./amounts.js";

describe("amounts as they are written", () => {
  it.each([
    [-5, "0 ms"],
    [Number.NaN, "0 ms"],
    [999.9, "999 ms"],
    [9999, "9.9 s"],
    [59_999, "59 s"],
    [65_000, "1m 05s"],
    [12_000_000, "3h 20m"],
    [1_051_200_000, "12d 4h"],
  ])("%d ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [-1, "0 s"],
    [1999, "1 s"],
    [61_000, "1m 01s"],
  ])("%d ms ticks as %s", (ms, text) => {
    expect(ticking(ms)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [999_600, "1.0 MB"],
    [5_100_000, "5.1 MB"],
    [52_000_000, "52 MB"],
    [8_589_934_592, "8.6 GB"],
  ])("%d bytes are %s", (amount, text) => {
    expect(bytes(amount)).toBe(text);
  });

  it("thousands are apart, and one is no plural", () => {
    expect([count(0), count(999), count(9104), count(1234567)]).toEqual([
      "0",
      "999",
      "9\u202f104",
      "1\u202f234\u202f567",
    ]);
    expect([counted(1, "try", "tries"), counted(3, "try", "tries")]).toEqual(["1 try", "3 tries"]);
  });
});
