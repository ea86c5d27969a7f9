import { FakeClock } from "@durable-workflow/test-support/clock";
import { expect, it } from "vitest";
import { PausableTimer } from "./timeouts.js";

it("a timer that was cancelled while it was paused does not go on", async () => {
  const clock = new FakeClock();
  let ended = 0;
  const timer = new PausableTimer(clock, 100, () => ended++);
  timer.pause();
  timer.cancel();
  timer.resume();
  await clock.advance(1_000);
  expect(ended).toBe(0);
});
