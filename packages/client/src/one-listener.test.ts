import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { sleep, systemClock } from "./clock.js";
import { Slots } from "./slots.js";

/** Node warns of eleven listeners on a signal: many calls of one user share theirs. */
it("many waits for a slot, and for a time, have one listener on a signal, and none when they are over", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const slots = new Slots(1);
  void slots.take(signal);
  const waits = Array.from({ length: 20 }, async () => slots.take(signal));
  const sleeps = Array.from({ length: 20 }, () => sleep(systemClock, 60_000, signal));
  const short = sleep(systemClock, 1, signal);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  await short;
  slots.give();
  await waits[0];
  controller.abort(new Error("no more"));
  const ended = await Promise.allSettled([...waits, ...sleeps]);
  expect(ended.map(({ status }) => status).filter((status) => status === "rejected")).toHaveLength(39);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});
