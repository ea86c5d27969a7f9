import type { Clock } from "../time/clock.js";

/** How long an answer's own time counts before the `Date` of answers that have none. */
const OWN_TIME_COUNTS_MS = 600_000;
/** What is supposed to be left of a lease that has just been handed out, where every clock says that it is over. */
const LEAST_LEASE_MS = 10_000;

/** Bounds of (engine's time - this machine's monotonic time), in milliseconds. */
class Bounds {
  low = Number.NEGATIVE_INFINITY;
  high = Number.POSITIVE_INFINITY;

  /** They narrow with every answer, and start anew when they contradict each other: a clock was set. */
  narrow(low: number, high: number): void {
    this.low = Math.max(this.low, low);
    this.high = Math.min(this.high, high);
    if (this.low > this.high) {
      this.low = low;
      this.high = high;
    }
  }

  get known(): boolean {
    return this.low !== Number.NEGATIVE_INFINITY;
  }
}

export interface NewLease {
  readonly expiresAtMs: number;
  /** When it began by the engine's clock, as far as the task says. */
  readonly grantedAtMs: number | null;
  /** The `Date` of the answer that brought it. */
  readonly dateMs: number | undefined;
}

/**
 * The engine's clock, as far as it can be told from its answers: whether a lease has run out is the engine's to say, and
 * machines disagree about the time. What an answer says itself (`server_time`) counts before its `Date`, which may be a
 * proxy's. It is measured against a clock of this machine that nobody sets.
 */
export class ServerClock {
  private readonly clock: Clock;
  private header = new Bounds();
  private own = new Bounds();
  private ownAt = Number.NEGATIVE_INFINITY;
  private lastDate: string | undefined;
  private lastDateMs = Number.NaN;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * @param date the `Date` header: whole seconds, cut off
   * @param sentAt, receivedAt when the request left and the answer's head came, monotonic
   * @returns what it says, in milliseconds; undefined for nothing
   */
  observe(date: string | undefined, sentAt: number, receivedAt: number): number | undefined {
    if (date === undefined) return undefined;
    // Hundreds of answers have the same second.
    if (date !== this.lastDate) {
      this.lastDate = date;
      this.lastDateMs = Date.parse(date);
    }
    const second = this.lastDateMs;
    if (Number.isNaN(second)) return undefined;
    this.header.narrow(second - receivedAt, second + 1000 - sentAt);
    return second;
  }

  /** @param timeMs what the engine says its time was between `sentAt` and `receivedAt`, and up to `unsureMs` later */
  observeOwn(timeMs: number, sentAt: number, receivedAt: number, unsureMs = 0): void {
    this.own.narrow(timeMs - receivedAt, timeMs + unsureMs - sentAt);
    this.ownAt = receivedAt;
  }

  /**
   * Checks the `Date` of an answer against the lease that it brings, which was granted between `sentAt` and `receivedAt`: it
   * can be over once the answer has come, but not when it was sent. A `Date` that says so is not believed any more, and the
   * lease's own times count, or this machine's clock.
   */
  checkAgainst({ expiresAtMs, grantedAtMs, dateMs }: NewLease, sentAt: number, receivedAt: number): void {
    if (this.ownCounts || dateMs === undefined || dateMs < expiresAtMs) return;
    this.header = new Bounds();
    if (grantedAtMs !== null && grantedAtMs < expiresAtMs) this.observeOwn(grantedAtMs, sentAt, receivedAt, 1_000);
    else if (this.clock.now() < expiresAtMs) this.observeOwn(this.clock.now(), receivedAt, receivedAt, 1_000);
    else this.observeOwn(expiresAtMs - LEAST_LEASE_MS, receivedAt, receivedAt, 1_000);
  }

  private get ownCounts(): boolean {
    return this.own.known && this.clock.monotonic() - this.ownAt < OWN_TIME_COUNTS_MS;
  }

  private get bounds(): Bounds {
    return this.ownCounts ? this.own : this.header;
  }

  /** The engine's time is not before this. Without any answer so far, this machine's own time. */
  earliest(): number {
    const { bounds, clock } = this;
    return bounds.known ? clock.monotonic() + bounds.low : clock.now();
  }

  /** The engine's time is not after this. Without any answer so far, this machine's own time. */
  latest(): number {
    const { bounds, clock } = this;
    return bounds.known ? clock.monotonic() + bounds.high : clock.now();
  }

  /** The engine's time as likely as not: the middle of what is possible. */
  estimate(): number {
    return (this.earliest() + this.latest()) / 2;
  }

  /** How far the engine's clock is ahead of this machine's, in milliseconds. */
  skewMs(): number {
    return this.bounds.known ? this.estimate() - this.clock.now() : 0;
  }
}
