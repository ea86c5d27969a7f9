import type { Micros } from "./engine/model.js";

/** Time as the engine sees it. Injectable, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, after at least `delayMs` (0 to 2^31-1). The function returned takes the call back. */
  schedule(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Reads the clock in microseconds; readings within one millisecond still tell earlier from later. */
export function microsecondReader(clock: Clock): () => Micros {
  let lastMs = -1;
  let within = 0;
  return () => {
    const ms = Math.floor(clock.now());
    within = ms === lastMs ? Math.min(within + 1, 999) : 0;
    lastMs = ms;
    return ms * 1000 + within;
  };
}
