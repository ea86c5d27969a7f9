import type { StopSignal } from "./call-off.js";

/** Time, as the dispatcher sees it. Injectable, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch, of this machine's own clock. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go back; what is waited for is measured with it. */
  monotonic(): number;
  /** Calls back once, after at least `delayMs`. The function returned takes the call back. */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Timers overflow above this, and then fire at once. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Whole milliseconds that a timer can wait: never negative, never too long, rounded up so that it is not early. */
export function timerDelay(ms: number): number {
  return Math.min(LONGEST_DELAY_MS, Math.max(0, Math.ceil(ms)));
}

/** Resolves after `ms`, or at once when the signal aborts; it does not reject. */
export function pause(clock: Clock, ms: number, signal?: StopSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.schedule(timerDelay(ms), done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** How long to wait before the next try: doubled with each failure in a row, from `firstMs` up to `longestMs`. */
export function backoffDelay(failures: number, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
}

/** A wait made up to a quarter longer, by chance: those who failed together do not come back together. */
export function jittered(ms: number, random: () => number = Math.random): number {
  return ms * (1 + random() / 4);
}

/** A wait that is half as long or up to half longer, by chance: so wide that many who fail together are apart after a few tries. */
export function spread(ms: number, random: () => number = Math.random): number {
  return ms * (0.5 + random());
}
