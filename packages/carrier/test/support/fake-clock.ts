import type { Clock } from "../../src/activity/clock.js";

/** Noon of the day on which the lamps of `envelopes.ts` are dimmed: all its deadlines are ahead. */
export const NOON = Date.UTC(2999, 5, 1, 12);
/** The earliest of those deadlines that counts while the handler runs, `heartbeat`. */
export const TEN_PAST = NOON + 10 * 60_000;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that stands still until it is moved. Timers fire in order, each at its own instant. */
export class FakeClock implements Clock {
  private readonly timers = new Set<Timer>();
  private time: number;
  private steady = 5000;
  /** How many timers were ever set. */
  scheduled = 0;

  constructor(now = NOON) {
    this.time = now;
  }

  /** Timers that are set, and neither fired nor taken back. */
  get liveTimers(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.steady;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > 2 ** 31 - 1) {
      throw new RangeError(`a timer cannot wait ${delayMs} ms`);
    }
    const timer = { at: this.time + delayMs, callback };
    this.timers.add(timer);
    this.scheduled++;
    return () => this.timers.delete(timer);
  }

  /** Moves on, without letting anything else run: what a handler that blocks the thread does. */
  block(ms: number): void {
    this.time += ms;
    this.steady += ms;
  }

  /** Sets the wall clock alone, as an administrator or NTP does. */
  setWallClock(now: number): void {
    this.time = now;
  }

  /** Moves on by so many milliseconds, firing what is due, and lets every promise settle that can. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (let next = this.next(end); next !== undefined; next = this.next(end)) {
      this.block(Math.max(0, next.at - this.time));
      this.timers.delete(next);
      next.callback();
      await settle();
    }
    this.block(end - this.time);
    await settle();
  }

  private next(end: number): Timer | undefined {
    return [...this.timers].filter(({ at }) => at <= end).toSorted((left, right) => left.at - right.at)[0];
  }
}

/** Lets pending promises settle. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
