import type { BreakerState } from "../events/states.js";
import { backoffDelay, type Clock, timerDelay } from "../time/clock.js";

export interface BreakerOptions {
  readonly clock: Clock;
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Whether the carrier can be connected to; costs no task. */
  readonly probe: (signal: AbortSignal) => Promise<boolean>;
  readonly onState: (state: BreakerState, failures: number, pauseMs: number | null) => void;
}

/** A carrier that cannot be connected to is looked for at least so often: that costs it nothing, and its tasks wait. */
const LONGEST_PROBE_PAUSE_MS = 5_000;

/**
 * Stops leasing tasks for a carrier that is dead, so that their attempts are not burnt. After a pause it looks whether the
 * carrier can be connected to, and then lets a single task through; how that ends decides. Pauses double.
 */
export class CarrierBreaker {
  private readonly options: BreakerOptions;
  private readonly waiting = new Set<() => void>();
  private current: BreakerState = "closed";
  private failures = 0;
  private pauses = 0;
  private trialGiven = false;
  private cancelPause = (): void => {};
  private readonly ending = new AbortController();

  constructor(options: BreakerOptions) {
    this.options = options;
  }

  get state(): BreakerState {
    return this.current;
  }

  /** Whether a task may be leased now. In the half-open state, whoever asks first takes the trial. */
  tryPass(): boolean {
    if (this.current === "closed") return true;
    if (this.current === "open" || this.trialGiven) return false;
    this.trialGiven = true;
    return true;
  }

  /** The trial found no task. */
  returnTrial(): void {
    if (this.current !== "half_open") return;
    this.trialGiven = false;
    this.wake();
  }

  /** Calls back once, when passing may have become possible. The function returned takes the call back. */
  whenChanged(callback: () => void): () => void {
    this.waiting.add(callback);
    return () => {
      this.waiting.delete(callback);
    };
  }

  /** The carrier answered, whatever it said. */
  succeeded(): void {
    this.failures = 0;
    if (this.current === "closed") return;
    this.cancelPause();
    this.pauses = 0;
    this.enter("closed", null);
    this.wake();
  }

  /** The carrier could not be reached, gave no answer, or has no use for us. */
  failed(): void {
    this.failures++;
    if (this.current === "half_open" || (this.current === "closed" && this.failures >= this.options.failures)) {
      this.open();
    }
  }

  /** Ends its timers and probes. */
  close(): void {
    this.ending.abort();
    this.cancelPause();
  }

  private open(): void {
    this.pauses++;
    this.trialGiven = false;
    const pauseMs = backoffDelay(this.pauses, this.options.firstPauseMs, this.options.longestPauseMs);
    this.enter("open", pauseMs);
    this.pauseThenProbe(pauseMs);
  }

  private pauseThenProbe(pauseMs: number): void {
    if (this.ending.signal.aborted) return;
    this.cancelPause = this.options.clock.schedule(timerDelay(pauseMs), () => {
      void this.probe(pauseMs);
    });
  }

  private async probe(pauseMs: number): Promise<void> {
    const { signal } = this.ending;
    const reached = await this.options.probe(signal);
    if (signal.aborted || this.current !== "open") return;
    if (!reached) {
      this.pauseThenProbe(Math.min(pauseMs * 2, Math.max(this.options.firstPauseMs, LONGEST_PROBE_PAUSE_MS)));
      return;
    }
    this.enter("half_open", null);
    this.wake();
  }

  private enter(state: BreakerState, pauseMs: number | null): void {
    this.current = state;
    this.options.onState(state, this.failures, pauseMs);
    if (state === "open") this.wake();
  }

  private wake(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const callback of waiting) callback();
  }
}
