import { expect, it } from "vitest";
import { isSince } from "./utc.js";

const NOON = Date.UTC(2026, 10, 27, 12);

it.each([
  ["2026-11-27T12:00:00.000000Z", true],
  ["2026-11-27T12:00:00.001Z", true],
  ["2026-11-27T12:00:00Z", true],
  ["2026-11-27T12:00:00", true],
  ["2026-11-27T12:00:00.0", true],
  ["2027-01-01T00:00:00.000000Z", true],
  ["2026-11-27T11:59:59.999999Z", false],
  ["2026-11-27T11:59:59.9Z", false],
  ["2025-12-31T23:59:59Z", false],
  ["2026-11-27T13:00:00+02:00", undefined],
  ["today", undefined],
  ["", undefined],
])("%s is since noon: %s", (text, isIt) => {
  expect(isSince(text, NOON)).toBe(isIt);
});

it("compares milliseconds", () => {
  expect(isSince("2026-11-27T12:00:00.12Z", NOON + 120)).toBe(true);
  expect(isSince("2026-11-27T12:00:00.12Z", NOON + 121)).toBe(false);
});
