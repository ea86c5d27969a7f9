import { describe, expect, it } from "vitest";
import type { Series } from "../../api/index.js";
import { stepsOf } from "./steps.js";

const NOON = Date.UTC(2026, 5, 1, 12);

function series(knownMinutes: number): Series {
  const counts = Array.from({ length: 360 }, () => 1);
  const times = Array.from({ length: 360 }, (_, index) => (index % 2 === 0 ? null : index));
  return {
    from: new Date(NOON - 3_600_000).toISOString(),
    stepSeconds: 10,
    knownSince: new Date(NOON - knownMinutes * 60_000).toISOString(),
    started: counts,
    succeeded: counts,
    failed: counts,
    retried: counts,
    runSecondsP50: times,
    runSecondsP95: times,
    waitSecondsP50: times,
    waitSecondsP95: times,
  };
}

describe("the steps of a plot", () => {
  it("an engine that began lately: ten minutes, as fine as they are known", () => {
    const given = series(3);
    const steps = stepsOf(given, NOON);
    expect([steps.from, steps.stepMs]).toEqual([NOON - 600_000, 10_000]);
    expect(steps.sums(given.started)).toEqual(Array.from({ length: 60 }, () => 1));
    expect(steps.most(given.runSecondsP95).slice(0, 2)).toEqual([null, 301]);
  });

  it("an engine that has just begun: two minutes", () => {
    const given = series(1);
    expect(stepsOf(given, NOON).sums(given.started)).toHaveLength(12);
  });

  it("an hour: a minute each, nothing lost", () => {
    const given = series(300);
    const steps = stepsOf(given, NOON);
    expect([steps.from, steps.stepMs]).toEqual([NOON - 3_600_000, 60_000]);
    expect(steps.sums(given.started)).toEqual(Array.from({ length: 60 }, () => 6));
    expect(steps.most(given.runSecondsP95).slice(0, 2)).toEqual([5, 11]);
  });

  it("nothing is drawn of nothing", () => {
    const steps = stepsOf({ ...series(300), started: [] }, NOON);
    expect(steps.sums([])).toEqual([]);
  });
});
