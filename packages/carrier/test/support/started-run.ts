import { getEventListeners } from "node:events";
import { vi } from "vitest";
import type { Deadline } from "../../src/activity/run/deadlines.js";
import { type ActivityRun, createActivityRun } from "../../src/activity/run/run.js";
import { FakeClock, NOON } from "./fake-clock.js";

/** A second after noon. */
export const SOON: Deadline = { name: "deadlines.start_to_close", at: NOON + 1000, expiresAt: "2999-06-01T12:00:01Z" };

/** What a run has set up outside itself: timers of the clock, listeners on the caller's signal. */
export const NO_TRACES = { timers: 0, listeners: 0 };
export const ONE_OF_EACH = { timers: 1, listeners: 1 };

/** A run that has begun at noon, with all that can end it. */
export function startRun(invoke: (run: ActivityRun) => unknown, deadline: Deadline | undefined = SOON) {
  const clock = new FakeClock();
  const caller = new AbortController();
  const onLate = vi.fn<() => void>();
  const run = createActivityRun(clock, deadline, caller.signal);
  const outcome = run.execute(() => invoke(run), onLate);
  const traces = () => ({ timers: clock.liveTimers, listeners: getEventListeners(caller.signal, "abort").length });
  return { clock, caller, run, outcome, onLate, traces };
}
