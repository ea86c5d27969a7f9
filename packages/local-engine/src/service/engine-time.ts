import type { Clock } from "../clock.js";
import type { Micros } from "../engine/model.js";

/** What the two clocks may differ by before the wall clock counts as set. */
const STEP_MS = 1000;

/**
 * The engine's time: the wall clock as it was read once, carried on by the monotonic clock, so that what waits is served
 * when it is due whatever happens to the wall clock. When that has been set, the engine follows it only once all that
 * waits has been moved with it ({@link follow}).
 */
export class EngineTime {
  private readonly clock: Clock;
  /** What the wall clock is ahead of the monotonic one by. */
  private offset: number;
  private lastMs = -1;
  private within = 0;
  private isTold = false;
  private readonly listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
    this.offset = clock.now() - this.monotonic();
  }

  /** Calls back once for each step that is noticed, from within {@link now}. */
  onStep(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Milliseconds since the epoch. */
  nowMs(): number {
    const monotonic = this.monotonic();
    if (!this.isTold && Math.abs(this.stepAt(monotonic)) >= STEP_MS) {
      this.isTold = true;
      for (const listener of this.listeners) listener();
    }
    return Math.floor(monotonic + this.offset);
  }

  /** Microseconds; readings within one millisecond still tell earlier from later. */
  readonly now = (): Micros => {
    const ms = this.nowMs();
    this.within = ms === this.lastMs ? Math.min(this.within + 1, 999) : 0;
    this.lastMs = ms;
    return ms * 1000 + this.within;
  };

  /** By how many milliseconds the wall clock has been set since, forward or (negative) back; 0 for less than a second. */
  get step(): number {
    const step = Math.round(this.stepAt(this.monotonic()));
    return Math.abs(step) >= STEP_MS ? step : 0;
  }

  /** From now on the time is that of the wall clock after a step. */
  follow(stepMs: number): void {
    this.offset += stepMs;
    this.isTold = false;
  }

  /** The step could not be followed: it will be told again. */
  forget(): void {
    this.isTold = false;
  }

  private stepAt(monotonic: number): number {
    return this.clock.now() - monotonic - this.offset;
  }

  private monotonic(): number {
    return this.clock.monotonic?.() ?? this.clock.now();
  }
}
