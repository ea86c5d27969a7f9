import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeClock, NOON } from "../../test/support/fake-clock.js";
import { scheduleAt, systemClock } from "./clock.js";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const DAY_MS = 86_400_000;

describe("scheduleAt", () => {
  it.each([
    ["in a moment", 1],
    ["in an hour", 3_600_000],
    ["as far away as one timer reaches", LONGEST_TIMER_MS],
    ["a millisecond further", LONGEST_TIMER_MS + 1],
    ["in a hundred days", 100 * DAY_MS],
    ["in forty years", 14_610 * DAY_MS],
  ])("calls back once, not before the instant: %s", async (_, delayMs) => {
    const clock = new FakeClock();
    const callback = vi.fn<() => void>();
    scheduleAt(clock, NOON + delayMs, callback);

    await clock.advance(delayMs - 1);
    expect(callback).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(clock.liveTimers).toBe(0);
    await clock.advance(DAY_MS);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["now", 0],
    ["a while ago", -5000],
    ["as long ago as a clock can tell", -8.64e15],
  ])("calls back on the next turn for an instant that is %s", async (_, delayMs) => {
    const clock = new FakeClock();
    const callback = vi.fn<() => void>();
    scheduleAt(clock, NOON + delayMs, callback);
    expect(callback).not.toHaveBeenCalled();
    await clock.advance(0);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it("rounds up: an instant between two milliseconds is not met early", async () => {
    const clock = new FakeClock();
    const callback = vi.fn<() => void>();
    scheduleAt(clock, NOON + 9.25, callback);
    await clock.advance(9);
    expect(callback).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["before it is due", 10],
    ["after the first of several timers", LONGEST_TIMER_MS + 5000],
  ])("leaves nothing behind when taken back %s", async (_, waitedMs) => {
    const clock = new FakeClock();
    const callback = vi.fn<() => void>();
    const cancel = scheduleAt(clock, NOON + 3 * LONGEST_TIMER_MS, callback);
    await clock.advance(waitedMs);
    expect(clock.liveTimers).toBe(1);
    cancel();
    cancel();
    expect(clock.liveTimers).toBe(0);
    await clock.advance(4 * LONGEST_TIMER_MS);
    expect(callback).not.toHaveBeenCalled();
  });

  it("may be taken back after it has called back", async () => {
    const clock = new FakeClock();
    const cancel = scheduleAt(clock, NOON + 1, () => {});
    await clock.advance(1);
    expect(cancel).not.toThrow();
  });
});

describe("systemClock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tells the time since the epoch, and one that never goes back", () => {
    vi.useFakeTimers({ now: NOON });
    expect(systemClock.now()).toBe(NOON);
    vi.useRealTimers();
    const first = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
  });

  it("calls back after the delay, unless it is taken back", () => {
    vi.useFakeTimers();
    const kept = vi.fn<() => void>();
    const takenBack = vi.fn<() => void>();
    systemClock.schedule(50, kept);
    systemClock.schedule(50, takenBack)();
    vi.advanceTimersByTime(49);
    expect(kept).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(kept).toHaveBeenCalledTimes(1);
    expect(takenBack).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
