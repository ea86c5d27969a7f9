import type { Clock } from "../time/clock.js";

/**
 * The engine's clock, as far as it can be told from the `Date` of its answers: whether a lease has run out is the engine's
 * to say, and machines disagree about the time. Each answer bounds the difference from both sides; the bounds narrow with
 * every answer, and start anew when they contradict each other (a clock was set). They are measured against a clock of
 * this machine that nobody sets.
 */
export class ServerClock {
  private readonly clock: Clock;
  /** Bounds of (engine's time - this machine's monotonic time), in milliseconds. */
  private low = Number.NEGATIVE_INFINITY;
  private high = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * @param date the `Date` header: whole seconds, cut off
   * @param sentAt, receivedAt when the request left and the answer's head came, monotonic
   */
  observe(date: string | undefined, sentAt: number, receivedAt: number): void {
    const second = date === undefined ? Number.NaN : Date.parse(date);
    if (Number.isNaN(second)) return;
    const low = second - receivedAt;
    const high = second + 1000 - sentAt;
    this.low = Math.max(this.low, low);
    this.high = Math.min(this.high, high);
    if (this.low > this.high) {
      this.low = low;
      this.high = high;
    }
  }

  /** The engine's time is not before this. Without any answer so far, this machine's own time. */
  earliest(): number {
    return this.low === Number.NEGATIVE_INFINITY ? this.clock.now() : this.clock.monotonic() + this.low;
  }

  /** The engine's time is not after this. Without any answer so far, this machine's own time. */
  latest(): number {
    return this.high === Number.POSITIVE_INFINITY ? this.clock.now() : this.clock.monotonic() + this.high;
  }

  /** How far the engine's clock is ahead of this machine's, in milliseconds: the middle of what is possible. */
  skewMs(): number {
    if (this.low === Number.NEGATIVE_INFINITY) return 0;
    return (this.earliest() + this.latest()) / 2 - this.clock.now();
  }
}
