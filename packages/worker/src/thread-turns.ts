import type { Clock } from "@durable-workflow/dispatcher/leasing";

/** Handlers that begin together may keep the thread for so long before other things have their turn. */
const LONGEST_TURN_MS = 20;

/**
 * Handlers of tasks that came together begin together: those that compute would keep the thread until the last of them is done,
 * while no lease is renewed. Once they have kept it for a while, the others begin one by one, with a turn of the event loop
 * between them. Those that end at once, or wait for something, never notice.
 */
export class ThreadTurns {
  private readonly clock: Pick<Clock, "monotonic">;
  private readonly waiting: (() => void)[] = [];
  /** When this turn of the event loop began to run handlers. */
  private since: number | undefined;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.clock = clock;
  }

  /** Resolves when a handler may begin; undefined: at once. */
  next(): Promise<void> | undefined {
    const now = this.clock.monotonic();
    if (this.waiting.length > 0 || (this.since !== undefined && now - this.since >= LONGEST_TURN_MS)) {
      return new Promise((resolve) => {
        this.waiting.push(resolve);
      });
    }
    if (this.since === undefined) this.begin(now);
    return undefined;
  }

  private begin(now: number): void {
    this.since = now;
    setImmediate(() => {
      this.since = undefined;
      // A whole turn is for others: timers that are due, and what has come in.
      if (this.waiting.length > 0) setImmediate(() => this.resume());
    });
  }

  private resume(): void {
    this.begin(this.clock.monotonic());
    this.waiting.shift()?.();
  }
}
