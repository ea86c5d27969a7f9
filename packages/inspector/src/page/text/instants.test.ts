import { expect, it } from "vitest";
import { clock, exactly, moment, offset, readInstant } from "./instants.js";

const NOON = Date.UTC(2026, 5, 1, 12, 4, 31, 250);

it("an instant is read strictly", () => {
  expect(readInstant("2026-06-01T12:04:31.250000Z")).toBe(NOON);
  for (const bad of [null, undefined, "", "2026-06-01", "2026-06-01T12:04:31", "2026-13-41T12:04:31Z", "yesterday"]) {
    expect(readInstant(bad)).toBeUndefined();
  }
});

it("UTC is told as such, with the date where it is another day", () => {
  expect(clock(NOON, "utc")).toBe("12:04:31");
  expect(moment(NOON, "utc", NOON + 1000)).toBe("12:04:31");
  expect(moment(NOON, "utc", NOON + 86_400_000)).toBe("2026-06-01 12:04:31");
  expect(exactly(NOON, "utc")).toBe("2026-06-01 12:04:31.250 UTC (2026-06-01T12:04:31.250Z)");
  expect(offset(NOON, "utc")).toBe("UTC");
});

it("midnight is 00, not 24", () => {
  expect(clock(Date.UTC(2026, 0, 1), "utc")).toBe("00:00:00");
});
