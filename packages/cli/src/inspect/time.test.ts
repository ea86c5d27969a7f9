import { describe, expect, it } from "vitest";
import { duration, relativeTime } from "../report/duration.js";
import { deadlineReport } from "./time.js";

describe("duration", () => {
  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [250_000, "4 min 10 s"],
    [3_599_600, "1 h"],
    [3_660_000, "1 h 1 min"],
    [86_400_000 * 3 + 7_200_000 + 60_000, "3 d 2 h"],
  ])("%d ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

it("tells the past from what is ahead", () => {
  expect(relativeTime(12_000)).toBe("in 12 s");
  expect(relativeTime(-12_000)).toBe("12 s ago");
});

it("reports a deadline as of now", () => {
  const now = Date.parse("2026-04-22T01:00:00Z");
  expect(deadlineReport("d", null, now)).toEqual({ name: "d", at: null, state: "none", inMs: null });
  expect(deadlineReport("d", "soon", now)).toMatchObject({ state: "unreadable", inMs: null });
  expect(deadlineReport("d", "2026-04-22T03:00:00+02:00", now)).toMatchObject({ state: "past", inMs: 0 });
  expect(deadlineReport("d", "2026-04-22T01:00:01", now)).toMatchObject({ state: "ahead", inMs: 1000 });
});
