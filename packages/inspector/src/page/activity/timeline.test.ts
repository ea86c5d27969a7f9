import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ActivityRow, Attempt } from "../../api/index.js";
import { roomyMarks, Scale, timeline } from "./timeline.js";

const NOON = Date.UTC(2026, 5, 1, 12);
const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();

const ROW: ActivityRow = {
  id: "a",
  runId: "r",
  key: 1,
  version: 1,
  type: "t",
  queue: "q",
  businessKey: null,
  status: "running",
  closedReason: null,
  attempt: 1,
  maxAttempts: 3,
  startedAt: at(0),
  closedAt: null,
  next: null,
  worker: null,
  lastHeartbeatAt: null,
  progress: null,
  failure: null,
};

function attempt(number: number, availableAt: number, startedAt: number | null, closedAt: number | null): Attempt {
  return {
    number,
    id: null,
    taskId: null,
    status: closedAt === null ? "running" : "failed",
    availableAt: at(availableAt),
    startedAt: startedAt === null ? null : at(startedAt),
    closedAt: closedAt === null ? null : at(closedAt),
    worker: "w",
    leaseExpiresAt: null,
    heartbeats: [],
    lastHeartbeatAt: null,
    progress: null,
    failure: null,
    backoffSeconds: null,
  };
}

const kinds = (lanes: ReturnType<typeof timeline>["lanes"]): string[][] =>
  lanes.map(({ bars }) => bars.map(({ kind, from, to }) => `${kind} ${(from - NOON) / 1000}-${(to - NOON) / 1000}`));

describe("a timeline", () => {
  it("nobody took it yet: one wait, up to now", () => {
    const { lanes, folds } = timeline({ row: ROW, attempts: [] }, NOON + 9000);
    expect(kinds(lanes)).toEqual([["wait 0-9"]]);
    expect(folds).toEqual([]);
  });

  it("three attempts: each wait, run and backoff adds up to the whole", () => {
    const attempts = [attempt(1, 0, 2, 4), attempt(2, 6, 6.5, 8), attempt(3, 10, 11, 12)];
    const { lanes, from, to } = timeline({ row: { ...ROW, closedAt: at(12) }, attempts }, NOON + 99_000);
    expect(kinds(lanes)).toEqual([
      ["wait 0-2", "run 2-4", "backoff 4-6"],
      ["wait 6-6.5", "run 6.5-8", "backoff 8-10"],
      ["wait 10-11", "run 11-12"],
    ]);
    const sum = lanes.flatMap(({ bars }) => bars).reduce((total, bar) => total + bar.to - bar.from, 0);
    expect(sum).toBe(to - from);
  });

  it("backing off: what is over of the pause, and what is ahead", () => {
    const row: ActivityRow = { ...ROW, status: "retrying", next: { at: at(30), what: "retry" } };
    const { lanes, to } = timeline({ row, attempts: [attempt(1, 0, 1, 5)] }, NOON + 10_000);
    expect(kinds(lanes)).toEqual([
      ["wait 0-1", "run 1-5"],
      ["backoff 5-10", "ahead 10-30"],
    ]);
    expect(to).toBe(NOON + 30_000);
  });

  it("after the pause it waits for a worker", () => {
    const row: ActivityRow = { ...ROW, status: "retrying", next: { at: at(6), what: "retry" } };
    const { lanes } = timeline({ row, attempts: [attempt(1, 0, 0, 5)] }, NOON + 10_000);
    expect(kinds(lanes)[1]).toEqual(["backoff 5-6", "wait 6-10"]);
  });

  it("a clock that is behind makes nothing negative", () => {
    const { lanes } = timeline({ row: ROW, attempts: [attempt(1, 0, 5, null)] }, NOON - 3_600_000);
    for (const bar of lanes.flatMap(({ bars }) => bars)) expect(bar.to).toBeGreaterThanOrEqual(bar.from);
  });

  it("an hour in which nothing ran is folded, and the scale never runs backwards", () => {
    const attempts = [attempt(1, 0, 1, 3), attempt(2, 3600, 3601, 3604)];
    const laid = timeline({ row: { ...ROW, closedAt: at(3604) }, attempts }, NOON);
    expect(laid.folds).toEqual([{ from: NOON + 3000, to: NOON + 3_601_000 }]);
    const scale = new Scale(laid, laid.folds);
    expect(scale.at(NOON + 3000) - scale.at(NOON + 1000)).toBeGreaterThan(0.2);
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 3700 }), fc.integer({ min: 0, max: 500 }), (seconds, more) => {
        const one = scale.at(NOON + seconds * 1000);
        expect(one).toBeGreaterThanOrEqual(0);
        expect(scale.at(NOON + (seconds + more) * 1000)).toBeGreaterThanOrEqual(one);
      }),
    );
    expect(scale.at(laid.from)).toBe(0);
    expect(scale.at(laid.to)).toBeCloseTo(1);
  });

  it("labels leave each other room", () => {
    const laid = { from: 0, to: 100 };
    expect(roomyMarks([0, 1, 12, 50, 52, 88, 100], new Scale(laid, []), 0.1)).toEqual([0, 50, 100]);
    expect(roomyMarks([0], new Scale(laid, []), 0.1)).toEqual([0]);
  });
});
