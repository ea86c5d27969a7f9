import { systemClock } from "@durable-workflow/dispatcher/leasing";
import { until } from "@durable-workflow/test-support/patience";
import { afterEach, expect, it } from "vitest";
import { resultOf, World } from "./support/world.js";

let world: World;
afterEach(() => world.end());

it("tells of a handler that keeps the thread to itself, with its type, and leases again once it is over", async () => {
  world = await World.begin({}, systemClock);
  const lines: [Record<string, unknown>, string][] = [];
  const say = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push([fields, message]);
  };
  const quiet = (): void => {};
  const { worker, events } = world.worker({
    logger: { debug: quiet, info: quiet, warn: say, error: say },
    activities: {
      computes: async () => {
        await new Promise((resolve) => {
          setTimeout(resolve, 250);
        });
        const end = performance.now() + 1_300;
        while (performance.now() < end);
        return "computed";
      },
      greet: () => "hello",
    },
  });
  await worker.start();
  const id = await world.schedule("computes");
  expect(resultOf(await world.closed(id))).toBe("computed");
  await until(() => events.some(({ type }) => type === "event_loop_blocked"), "the event");
  const told = events.find((event) => event.type === "event_loop_blocked");
  expect(told).toMatchObject({ activityTypes: ["computes"] });
  expect(told?.delayMs).toBeGreaterThanOrEqual(1_000);
  expect(told?.leaseLeftMs).toBeLessThan(30_000);
  expect(worker.health().eventLoopDelayMs).toBeGreaterThanOrEqual(1_000);
  expect(lines.map(([, message]) => message).join()).toContain("kept the thread to itself");
  expect(resultOf(await world.closed(await world.schedule("greet")))).toBe("hello");
});

it("tells of a handler that keeps the thread for longer than its lease that the task is handed out again", async () => {
  world = await World.begin({ shortLeaseSeconds: 1 }, systemClock);
  const warnings: string[] = [];
  const say = (_: unknown, message: string): void => void warnings.push(message);
  const quiet = (): void => {};
  const { worker, events } = world.worker({
    logger: { debug: quiet, info: quiet, warn: say, error: say },
    activities: {
      computes: () => {
        const end = performance.now() + 1_300;
        while (performance.now() < end);
      },
    },
  });
  await worker.start();
  await world.schedule("computes");
  await until(() => events.some(({ type }) => type === "event_loop_blocked"), "the event");
  const told = events.find((event) => event.type === "event_loop_blocked");
  expect(told?.activityTypes).toEqual(["computes"]);
  expect(told?.leaseLeftMs).toBeLessThanOrEqual(0);
  expect(warnings.join("\n")).toContain("until its lease had run out");
});

it("gives the thread back between handlers that compute, though their tasks came together", async () => {
  world = await World.begin();
  let turn = 0;
  let counting = setImmediate(function count() {
    turn++;
    counting = setImmediate(count);
  });
  const turns: number[] = [];
  const { worker } = world.worker({
    activities: {
      computes: () => {
        turns.push(turn);
        const end = performance.now() + 25;
        while (performance.now() < end);
      },
    },
  });
  const ids = await Promise.all(Array.from({ length: 16 }, () => world.schedule("computes")));
  await worker.start();
  for (const id of ids) expect((await world.closed(id)).status).toBe("completed");
  clearImmediate(counting);
  expect(world.callsOf("poll").length).toBeLessThan(turns.length);
  expect(turns).toHaveLength(16);
  expect(new Set(turns).size).toBe(turns.length);
});
