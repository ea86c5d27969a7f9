import { seededRandom } from "@durable-workflow/test-support/fault-proxy";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Fleet, type FleetOptions } from "./fleet.js";

let fleet: Fleet;

vi.mock(import("../../src/net/agents.js"), () => ({ createAgent: () => fleet.agent as never }));

/** `SIMULATED_DISPATCHERS=1000` for the full size; what is asked and what is expected are the same for any. */
const DISPATCHERS = Number(process.env["SIMULATED_DISPATCHERS"] ?? 100);
const TIMEOUT_MS = 1_800_000;
const QUEUES_EACH = 2;
const LANES = DISPATCHERS * QUEUES_EACH;
const TASKS_PER_SECOND = DISPATCHERS / 20;

const OPTIONS: FleetOptions = {
  dispatchers: DISPATCHERS,
  queues: 20,
  queuesEach: QUEUES_EACH,
  tasksPerSecond: TASKS_PER_SECOND,
  taskMs: 50,
  heartbeatSeconds: undefined,
};

/** Seconds: from WARM on nothing of the start is left; the engine is down from DOWN to UP. */
const [WARM, DOWN, UP, END] = [90, 150, 210, 330] as const;

/** Where nothing comes, a lane holds one poll of 30 s, and is told of every 30 s. */
const IDLE_PER_SECOND = LANES / 30 + LANES / 30;

beforeEach(() => {
  vi.spyOn(Math, "random").mockImplementation(seededRandom(29_990_601));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** The rate of any so many seconds counts: that of a single one is chance, where few ask. */
const WINDOW = 5;
const peak = (perSecond: readonly number[]): number =>
  Math.max(...perSecond.slice(WINDOW - 1).map((_, place) => mean(perSecond.slice(place, place + WINDOW))));

const ratio = (values: Iterable<number>): number => {
  const all = [...values];
  return Math.max(...all) / Math.min(...all);
};

async function throughOutage(outage: "refuses" | "silent", withTasks: boolean, batch?: number): Promise<void> {
  fleet = new Fleet(batch === undefined ? OPTIONS : { ...OPTIONS, batch });
  await fleet.start(30_000);
  if (withTasks) fleet.startTasks();
  await fleet.time.until(DOWN * 1000);
  fleet.engine.fail(outage);
  await fleet.time.until(UP * 1000);
  fleet.engine.recover();
  await fleet.time.until(END * 1000);
}

describe(`${DISPATCHERS} dispatchers by one engine, in virtual time`, () => {
  it.each(["refuses", "silent"] as const)(
    "ask less than three times as often as ever after 60 s of an engine that is away (%s)",
    { timeout: TIMEOUT_MS },
    async (outage) => {
      await throughOutage(outage, false);
      const steady = mean(fleet.perSecond(WARM, DOWN));
      // What docs/operate/capacity.md says of idle lanes.
      expect(steady / IDLE_PER_SECOND).toBeCloseTo(1, 1);
      expect(peak(fleet.perSecond(UP, END)) / steady).toBeLessThan(3);
      // Each has come back, and holds its one poll.
      expect(fleet.engine.heldPolls).toBe(LANES);
      expect(mean(fleet.perSecond(END - 60, END)) / steady).toBeCloseTo(1, 1);
    },
  );

  it.each([
    ["one by one", undefined],
    ["several at once", 64],
  ])(
    "serve every queue alike, and lose no task, while they come back (tasks %s)",
    { timeout: TIMEOUT_MS },
    async (_, batch) => {
      await throughOutage("refuses", true, batch);
      const steady = mean(fleet.perSecond(WARM, DOWN));
      // A poll and a report for each task, and no more than one poll that a lane has added in vain.
      expect(steady).toBeGreaterThan(IDLE_PER_SECOND + 2 * TASKS_PER_SECOND * 0.9);
      expect(steady).toBeLessThan(IDLE_PER_SECOND + 3 * TASKS_PER_SECOND * 1.1);
      expect(ratio(fleet.servedByQueue(WARM, DOWN).values())).toBeLessThan(2);
      expect(ratio(fleet.servedByQueue(UP, UP + 30).values())).toBeLessThan(2);
      // Of those that came while the engine was away.
      expect(ratio(fleet.waitByQueue(DOWN, UP).values())).toBeLessThan(2);
      const came = TASKS_PER_SECOND * (END - 30);
      expect(fleet.engine.served.length).toBeGreaterThan(came * 0.98);
    },
  );
});
