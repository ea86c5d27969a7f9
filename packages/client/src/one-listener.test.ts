import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { sleep, systemClock } from "./clock.js";
import { Scope } from "./scope.js";
import { Slots } from "./slots.js";

/** Node warns of eleven listeners on a signal: many calls of one user share theirs. */
it("many calls, waits for a slot, and pauses have one listener on a signal, and none when they are over", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const scopes = Array.from({ length: 20 }, () => new Scope([signal]));
  const [scope = new Scope([])] = scopes;
  const slots = new Slots(1);
  void slots.take(scope);
  const waits = Array.from({ length: 20 }, async () => slots.take(scope));
  const sleeps = Array.from({ length: 20 }, () => sleep(systemClock, 60_000, scope));
  const short = sleep(systemClock, 1, scope);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  await short;
  slots.give();
  await waits[0];
  controller.abort(new Error("no more"));
  const ended = await Promise.allSettled([...waits, ...sleeps]);
  expect(ended.map(({ status }) => status).filter((status) => status === "rejected")).toHaveLength(39);
  for (const one of scopes) expect(one.reason).toBe(signal.reason);
  for (const one of scopes) one.end();
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

it("a scope that has ended leaves nothing on the signals that it had", () => {
  const { signal } = new AbortController();
  const scopes = [new Scope([signal]), new Scope([signal])];
  for (const scope of scopes) scope.end();
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});
