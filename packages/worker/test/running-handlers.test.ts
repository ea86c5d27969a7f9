import { expect, it } from "vitest";
import { RunningHandlers } from "../src/running-handlers.js";

const task = { activityType: "computes", leaseLeft: () => 1_000 };

it("a handler whose task was answered while it waited for the thread does not begin", async () => {
  const turns: (() => void)[] = [];
  const next = (): Promise<void> => new Promise((resolve) => void turns.push(resolve));
  const running = new RunningHandlers({ next });
  const begun: unknown[] = [];
  const activity = running.around(undefined)["~around"]((_, args) => begun.push(...args));
  const runs = ["in time", "too late"].map((name) => {
    const { run, values } = running.open(task);
    return { run, ended: activity({ values } as never, [name]) };
  });
  expect(begun).toEqual([]);
  runs[1]?.run.answered();
  for (const resume of turns) resume();
  await Promise.all(runs.map(({ ended }) => ended));
  expect(begun).toEqual(["in time"]);
  expect(running.takeTasks()).toHaveLength(1);
});
