import type { Clock } from "@durable-workflow/carrier";
import { TestClock } from "@durable-workflow/carrier/testing";

/** Noon of a day far ahead. */
export const NOON = Date.UTC(2999, 5, 1, 12);

/** A clock that stands still at noon until it is moved. */
export class FakeClock extends TestClock {
  constructor(now = NOON) {
    super(now);
  }
}

/** At most so much time passes between two looks at the {@link awakeClock}. */
const LONGEST_LOOK_MS = 100;
const LOOK_EVERY_MS = 20;

/** Real time, less what this process was kept from running. */
class AwakeClock implements Clock {
  private readonly startedAt = Date.now();
  private passedMs = 0;
  private lookedAt = performance.now();

  constructor() {
    setInterval(() => this.monotonic(), LOOK_EVERY_MS).unref();
  }

  now(): number {
    return this.startedAt + this.monotonic();
  }

  monotonic(): number {
    const now = performance.now();
    this.passedMs += Math.min(now - this.lookedAt, LONGEST_LOOK_MS);
    this.lookedAt = now;
    return this.passedMs;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const due = this.monotonic() + delayMs;
    let timer: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number): void => {
      timer = setTimeout(() => {
        const left = due - this.monotonic();
        if (left > 0) arm(Math.ceil(left));
        else callback();
      }, leftMs);
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  }
}

/**
 * Real time, which stands still while this process does: a machine that is busy, or stops a process for seconds, ends no
 * lease of an engine that has this clock, as long as those who keep the lease are in the same process and have it too.
 */
export const awakeClock: Clock = new AwakeClock();
