import { FakeClock } from "@durable-workflow/test-support/clock";
import { expect, it } from "vitest";
import { untilReported } from "./until-reported.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A wait for what is on its way, if anything is. */
function wait(reported: Promise<unknown> | undefined, mostTasks = 8) {
  const clock = new FakeClock();
  const state = { isOver: false };
  const over = untilReported({ mostTasks, untilReported: () => reported }, clock, "default").then(() => {
    state.isOver = true;
  });
  return { clock, state, over };
}

it("waits for the outcomes that are on their way, and for the slots of their tasks", async () => {
  let answer = (): void => undefined;
  const { state, over } = wait(new Promise<void>((resolve) => (answer = resolve)));
  await turn();
  expect(state.isOver).toBe(false);
  answer();
  let isSlotFree = false;
  // A run ends some promises later than the answer to its report comes.
  void Promise.resolve().then(async () => {
    for (let step = 0; step < 50; step++) await Promise.resolve();
    isSlotFree = true;
  });
  await over;
  expect(isSlotFree).toBe(true);
});

it("waits no longer than 5 ms for a request that hangs", async () => {
  const { clock, state } = wait(new Promise(() => undefined));
  await clock.advance(4);
  await turn();
  expect(state.isOver).toBe(false);
  await clock.advance(1);
  await turn();
  expect(state.isOver).toBe(true);
});

it.each([
  ["nothing is on its way", undefined, 8],
  ["the engine hands out tasks one by one", new Promise(() => undefined), 1],
] as const)("does not wait where %s", async (_, reported, mostTasks) => {
  const { state } = wait(reported, mostTasks);
  await turn();
  expect(state.isOver).toBe(true);
});
