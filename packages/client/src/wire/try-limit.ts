import type { Clock } from "@durable-workflow/carrier";
import { type OnAbort, onAbort } from "../scope.js";

/** One timer for the time limits of all requests: most end long before, and setting one for each would be paid for nothing. */
export class TimeLimits {
  private readonly clock: Clock;
  private readonly limits = new Set<TryLimit>();
  private armedFor = Number.POSITIVE_INFINITY;
  private disarm = (): void => {};

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(limit: TryLimit, timeoutMs: number): void {
    limit.endsAt = this.clock.monotonic() + timeoutMs;
    this.limits.add(limit);
    if (limit.endsAt < this.armedFor) this.arm(limit.endsAt, timeoutMs);
  }

  delete(limit: TryLimit): void {
    this.limits.delete(limit);
  }

  private arm(at: number, delayMs: number): void {
    this.disarm();
    this.armedFor = at;
    // A request that is under way keeps the process; what is left of a timer does not.
    this.disarm = this.clock.schedule(Math.min(delayMs, LONGEST_DELAY_MS), () => this.look(), { background: true });
  }

  private look(): void {
    this.armedFor = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const limit of this.limits) {
      // A timer may be a little early by the other clock.
      if (limit.endsAt <= now + 1) limit.expire();
      else next = Math.min(next, limit.endsAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.arm(next, Math.max(1, next - now));
  }
}

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * What ends one try of a request before its answer: the caller's signal, or its time limit. A signal of its own is made only
 * for transports that ask for one.
 */
export class TryLimit {
  endsAt = 0;
  /** Whether it was the time. */
  isLate = false;
  private isOver = false;
  private reason: unknown;
  private controller: AbortController | undefined;
  private listener: OnAbort | undefined;
  private readonly limits: TimeLimits;
  private readonly leave: () => void;

  constructor(limits: TimeLimits, outer: AbortSignal, timeoutMs: number) {
    this.limits = limits;
    this.leave = onAbort(outer, (reason) => this.end(reason));
    limits.add(this, timeoutMs);
  }

  get aborted(): boolean {
    return this.isOver;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.isOver) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  /** Calls back when it ends, at once if it has. One at a time. */
  onAbort(listener: OnAbort): void {
    this.listener = listener;
    if (this.isOver) listener(this.reason);
  }

  expire(): void {
    this.isLate = true;
    this.end(new Error("the time for the answer is up"));
  }

  dispose(): void {
    this.limits.delete(this);
    this.leave();
    this.listener = undefined;
  }

  private end(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reason = reason;
    this.limits.delete(this);
    this.controller?.abort(reason);
    this.listener?.(reason);
  }
}
