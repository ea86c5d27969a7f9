import type { Clock } from "@durable-workflow/carrier";

/** Timers overflow above this. So long nobody waits. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** What has a time limit. */
export interface Timed {
  /** By the monotonic clock. */
  endsAt: number;
  /** Its time is up. */
  expire(): void;
}

/** One timer for all time limits: most end long before, and setting one for each would be paid for nothing. */
export class TimeLimits {
  readonly #clock: Clock;
  readonly #timed = new Set<Timed>();
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(one: Timed, timeoutMs: number): void {
    one.endsAt = this.#clock.monotonic() + timeoutMs;
    this.#timed.add(one);
    if (one.endsAt < this.#armedFor) this.#arm(one.endsAt, timeoutMs);
  }

  delete(one: Timed): void {
    this.#timed.delete(one);
  }

  #arm(at: number, delayMs: number): void {
    this.#disarm?.();
    this.#armedFor = at;
    // A request that is under way, or a pause, keeps the process; what is left of a timer does not.
    const delay = Math.min(Math.max(1, delayMs), LONGEST_DELAY_MS);
    this.#disarm = this.#clock.schedule(delay, () => this.#look(), { background: true });
  }

  #look(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    let next = this.#armedFor;
    for (const one of this.#timed) {
      // A timer may be a little early by the other clock.
      if (one.endsAt > now + 1) next = Math.min(next, one.endsAt);
      else {
        this.#timed.delete(one);
        one.expire();
      }
    }
    if (next < this.#armedFor) this.#arm(next, next - now);
  }
}
