/** Time, as the carrier sees it. Injectable, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch, comparable with the deadlines of an envelope. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go back; durations are measured with it. */
  monotonic(): number;
  /** Calls back once, after at least `delayMs` (0 to 2^31-1). The function returned takes the call back. */
  schedule(delayMs: number, callback: () => void, options?: ScheduleOptions): () => void;
}

export interface ScheduleOptions {
  /** Whether the process need not wait for it, where the platform can tell (Node, Bun, Deno). Default false. */
  readonly background?: boolean;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, callback, options) {
    const timer = setTimeout(callback, delayMs);
    // Browsers and workers number their timers.
    if (options?.background === true) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer);
  },
};

/** Timers overflow above this, and then fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Calls back once the clock has reached `instant`, however far away it is. The function returned takes the call back. */
export function scheduleAt(clock: Clock, instant: number, callback: () => void): () => void {
  let cancel: () => void;
  const arm = (): void => {
    const left = Math.max(0, Math.ceil(instant - clock.now()));
    cancel = clock.schedule(Math.min(left, LONGEST_DELAY_MS), left > LONGEST_DELAY_MS ? arm : callback);
  };
  arm();
  return () => cancel();
}
