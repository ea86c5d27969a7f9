import type { Clock } from "../activity/clock.js";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that stands still until it is moved. Timers fire in order, each at its own instant. */
export class TestClock implements Clock {
  private readonly timers = new Set<Timer>();
  private time: number;
  private steady = 5000;
  /** How many timers were ever set. */
  scheduled = 0;

  /** @param now milliseconds since the epoch; default: the system's time */
  constructor(now = Date.now()) {
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

  /** Fractions of a millisecond are rounded up. @throws {RangeError} for what is not from 0 to 2^31-1 */
  schedule(delayMs: number, callback: () => void): () => void {
    if (!(delayMs >= 0 && delayMs <= 2 ** 31 - 1)) throw new RangeError(`a timer cannot wait ${delayMs} ms`);
    const timer = { at: this.time + Math.ceil(delayMs), callback };
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

  /**
   * Moves on by so many milliseconds, firing what is due, and lets every promise settle that can. It does not wait for
   * what the system's own timers, files and sockets bring.
   *
   * @throws {RangeError} (as a rejection) for a time that is negative, infinite or NaN: this clock does not go back
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`a clock advances by a number of milliseconds >= 0, got ${ms}`);
    }
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

/** Lets pending promises settle, whatever was done to the system's timers. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
