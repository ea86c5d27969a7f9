import { describe, expect, it, vi } from "vitest";
import { TestClock } from "./test-clock.js";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

describe("TestClock", () => {
  it.each([[-1], [-0.5], [Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]])(
    "does not advance by %s ms, and stays usable",
    async (ms) => {
      const clock = new TestClock(1000);
      const callback = vi.fn<() => void>();
      clock.schedule(5, callback);
      await expect(clock.advance(ms)).rejects.toThrow(RangeError);
      await expect(clock.advance(ms)).rejects.toThrow(`got ${ms}`);
      expect([clock.now(), callback.mock.calls.length]).toEqual([1000, 0]);
      await clock.advance(5);
      expect([clock.now(), callback.mock.calls.length]).toEqual([1005, 1]);
    },
  );

  it.each([
    [0, 0],
    [0.25, 1],
    [9.75, 10],
    [LONGEST_TIMER_MS - 0.5, LONGEST_TIMER_MS],
    [LONGEST_TIMER_MS, LONGEST_TIMER_MS],
  ])("fires a timer of %s ms after %s", async (delayMs, firesAfterMs) => {
    const clock = new TestClock(0);
    let firedAt: number | undefined;
    clock.schedule(delayMs, () => {
      firedAt = clock.now();
    });
    await clock.advance(LONGEST_TIMER_MS);
    expect(firedAt).toBe(firesAfterMs);
  });

  it.each([[-1], [-0.5], [Number.NaN], [Number.POSITIVE_INFINITY], [LONGEST_TIMER_MS + 0.5]])(
    "sets no timer of %s ms",
    (delayMs) => {
      const clock = new TestClock();
      expect(() => clock.schedule(delayMs, () => {})).toThrow(RangeError);
      expect(clock.liveTimers).toBe(0);
    },
  );
});
