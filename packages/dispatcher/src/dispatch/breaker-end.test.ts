import { FakeClock } from "@durable-workflow/test-support/clock";
import { expect, it } from "vitest";
import { CarrierBreaker } from "./breaker.js";

it("a circuit breaker that is closed for good calls its probe off, and says nothing any more", async () => {
  const clock = new FakeClock();
  const states: string[] = [];
  let probed: AbortSignal | undefined;
  const breaker = new CarrierBreaker({
    clock,
    failures: 1,
    firstPauseMs: 1_000,
    longestPauseMs: 1_000,
    probe: (signal) => {
      probed = signal;
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(true));
      });
    },
    onState: (state) => states.push(state),
  });
  breaker.failed();
  await clock.advance(1_000);
  expect(probed?.aborted).toBe(false);
  breaker.close();
  await clock.advance(5_000);
  expect(probed?.aborted).toBe(true);
  expect(states).toEqual(["open"]);
  expect(clock.liveTimers).toBe(0);
});
