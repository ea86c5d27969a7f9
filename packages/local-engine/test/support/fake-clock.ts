import type { Clock } from "../../src/clock.js";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that stands still until it is moved. */
export class FakeClock implements Clock {
  private readonly timers = new Set<Timer>();
  private time: number;

  constructor(now = Date.UTC(2999, 5, 1, 12)) {
    this.time = now;
  }

  now(): number {
    return this.time;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > 2 ** 31 - 1) {
      throw new RangeError(`a timer cannot wait ${delayMs} ms`);
    }
    const timer = { at: this.time + delayMs, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Moves on without firing any timer: what an engine sees that could not run. */
  jump(ms: number): void {
    this.time += ms;
  }

  /** Moves on, firing what is due at its own instant, and lets nothing settle: all of it is one moment for an engine. */
  fire(ms: number): void {
    const end = this.time + ms;
    for (let next = this.next(end); next !== undefined; next = this.next(end)) this.run(next);
    this.time = end;
  }

  /** Moves on, firing what is due at its own instant, and lets what it set off settle. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (let next = this.next(end); next !== undefined; next = this.next(end)) {
      this.run(next);
      await settle();
    }
    this.time = end;
    await settle();
  }

  private run(timer: Timer): void {
    this.time = Math.max(this.time, timer.at);
    this.timers.delete(timer);
    timer.callback();
  }

  private next(end: number): Timer | undefined {
    return [...this.timers].filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0];
  }
}

/** Lets promises settle, transactions among them. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
