import { readInstant } from "../text/instants.js";

/**
 * The engine's clock, as far as it is known here. What is counted down or grows old is measured by it and never by the
 * browser's clock, which may be hours off; between answers the browser's monotonic clock carries it on.
 */
export class ServerClock {
  private readonly monotonic: () => number;
  private readonly wall: () => number;
  private offset: number | undefined;

  constructor(monotonic: () => number = () => performance.now(), wall: () => number = () => Date.now()) {
    this.monotonic = monotonic;
    this.wall = wall;
  }

  /** Takes the instant of an answer. One that was under way for long does not turn the clock back by less than a second. */
  learn(asOf: string): void {
    const ms = readInstant(asOf);
    if (ms === undefined) return;
    const offset = ms - this.monotonic();
    if (this.offset === undefined || offset > this.offset || this.offset - offset > 1000) this.offset = offset;
  }

  /** Milliseconds; the browser's own while nothing was heard. */
  now(): number {
    return this.offset === undefined ? this.wall() : this.offset + this.monotonic();
  }
}

export const serverClock = new ServerClock();
