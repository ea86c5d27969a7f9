import type { Refused, Unavailable } from "../engine/outcomes.js";
import type { EventStream, LaneFacts } from "../events/events.js";
import type { StopSignal } from "../time/call-off.js";
import { backoffDelay, type Clock, jittered, pause, spread } from "../time/clock.js";

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 15_000;
/** However long the engine asks for: it may be back sooner, or its clock be wrong. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** What was refused is not asked for again in a hurry: somebody has to change something. */
const SHORTEST_REFUSED_RETRY_MS = 1_000;
/** Waits of a process that is about to end do not grow beyond those after so many failures. */
const MOST_LAST_FAILURES = 4;

/**
 * How long to wait before an engine is asked again that did not answer: doubles from 200 ms up to 15 s with each failure in a
 * row, and is no less than half the time that it has been away, up to the same 15 s; half to one and a half times that by
 * chance; but no less than it asks for with `Retry-After`, up to a minute, and up to a quarter longer.
 *
 * @param awayMs how long it has not answered: an engine that is silent is asked less often than one that refuses
 */
export function engineRetryMs(
  { retryAfterMs = 0 }: Pick<Unavailable, "retryAfterMs">,
  failures: number,
  awayMs = 0,
): number {
  const doubled = backoffDelay(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS);
  const own = spread(Math.max(doubled, Math.min(LONGEST_RETRY_MS, awayMs / 2)));
  return Math.max(own, jittered(Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs)));
}

export interface EngineBackoffOptions {
  readonly clock: Clock;
  readonly events: EventStream;
  readonly signal: StopSignal;
  /** Told when a wait begins. */
  readonly onWait: () => void;
}

/** Waits before an engine is asked again that did not answer, or refused: longer with each failure in a row. */
export class EngineBackoff {
  private readonly options: EngineBackoffOptions;
  private waiting: Promise<void> | undefined;
  private failures = 0;
  /** When the first failure in a row was. */
  private awaySince: number | undefined;

  constructor(options: EngineBackoffOptions) {
    this.options = options;
  }

  /** Whether the last that was heard of the engine was a failure. */
  get failing(): boolean {
    return this.failures > 0;
  }

  succeeded(): void {
    this.failures = 0;
    this.awaySince = undefined;
  }

  /** Waits; at once over when the signal aborts. Those who fail together wait together: that is one failure, not many. */
  wait(outcome: Unavailable | Refused, operation: string): Promise<void> {
    this.waiting ??= this.waitOnce(outcome, operation).finally(() => {
      this.waiting = undefined;
    });
    return this.waiting;
  }

  /**
   * Waits before a process that is about to end asks again, each poll by itself: no longer than 1.6 s by its own account, half
   * as much more by chance, since it has little time; but as long as the engine asks for.
   *
   * @param failures in a row
   * @param until there is time
   */
  async waitAtLast(
    outcome: Unavailable | Refused,
    operation: string,
    failures: number,
    until: StopSignal,
  ): Promise<void> {
    if (until.aborted) return;
    const { clock } = this.options;
    const retryAfterMs = outcome.kind === "unavailable" ? outcome.retryAfterMs : undefined;
    const retryInMs = engineRetryMs({ retryAfterMs }, Math.min(failures, MOST_LAST_FAILURES));
    this.tell(outcome, operation, retryInMs);
    await pause(clock, retryInMs, until);
  }

  /** Counts a failure although the engine is available; waits from the second in a row on. */
  async stumble(): Promise<void> {
    this.failures++;
    if (this.failures > 1) await pause(this.options.clock, this.delayMs(), this.options.signal);
  }

  /** Waits as `wait` does, for leases that are over as they come. Told from the second in a row on. */
  expired(inARow: number, lane: LaneFacts): Promise<void> {
    this.waiting ??= this.waitExpired(inARow, lane).finally(() => {
      this.waiting = undefined;
    });
    return this.waiting;
  }

  private async waitExpired(inARow: number, lane: LaneFacts): Promise<void> {
    const { clock, events, signal } = this.options;
    if (inARow < 2 || signal.aborted) return;
    const retryInMs = spread(backoffDelay(inARow - 1, FIRST_RETRY_MS, LONGEST_RETRY_MS));
    events.emit({ type: "leases_expired", lane, inARow, retryInMs });
    await pause(clock, retryInMs, signal);
  }

  private delayMs(): number {
    return spread(backoffDelay(this.failures, FIRST_RETRY_MS, LONGEST_RETRY_MS));
  }

  private async waitOnce(outcome: Unavailable | Refused, operation: string): Promise<void> {
    const { clock, signal, onWait } = this.options;
    if (signal.aborted) return;
    this.failures++;
    onWait();
    let retryInMs: number;
    if (outcome.kind === "unavailable") {
      this.awaySince ??= clock.monotonic();
      retryInMs = engineRetryMs(outcome, this.failures, clock.monotonic() - this.awaySince);
    } else retryInMs = Math.max(jittered(SHORTEST_REFUSED_RETRY_MS), this.delayMs());
    this.tell(outcome, operation, retryInMs);
    await pause(clock, retryInMs, signal);
  }

  private tell(outcome: Unavailable | Refused, operation: string, retryInMs: number): void {
    const { events } = this.options;
    if (outcome.kind === "unavailable") {
      const { why, status } = outcome;
      events.emit({ type: "engine_unavailable", operation, why, status, retryInMs });
    } else {
      const { status, reason, message } = outcome;
      events.emit({ type: "engine_refused", operation, status, reason, message, retryInMs });
    }
  }
}
