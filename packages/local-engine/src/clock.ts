import { performance } from "node:perf_hooks";

/** Time as the engine sees it. Injectable, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. May be set at any time, forward and back. */
  now(): number;
  /** Milliseconds since some moment, which nobody sets. Left out: {@link now} is trusted never to be set. */
  monotonic?(): number;
  /** Calls back once, after at least `delayMs` (0 to 2^31-1). The function returned takes the call back. */
  schedule(delayMs: number, callback: () => void): () => void;
}

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
