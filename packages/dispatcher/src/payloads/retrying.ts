import type { StopSignal } from "../time/call-off.js";
import { backoffDelay, type Clock, jittered, pause } from "../time/clock.js";
import type { PayloadUnavailable } from "./exchange.js";

/** How long a payload may be waited for, and who hears of it. */
export interface PayloadPatience {
  readonly clock: Clock;
  /** Milliseconds until the lease has surely run out, or the attempt's first deadline has passed. */
  readonly left: () => number;
  /** Gives up when aborted. */
  readonly signal: StopSignal;
  readonly onRetry?: ((why: string, retryInMs: number, tries: number) => void) | undefined;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

/**
 * Tries until something is decided, as long as the lease and the deadlines last. Undefined after that: whoever holds the task
 * next tries anew, and nothing is reported.
 *
 * @param attempt never rejects
 */
export async function persist<Decided extends { readonly kind: string }>(
  { clock, left, signal, onRetry }: PayloadPatience,
  attempt: (tries: number) => Promise<Decided | PayloadUnavailable | undefined>,
): Promise<Exclude<Decided, PayloadUnavailable> | undefined> {
  for (let tries = 1; ; tries++) {
    if (signal.aborted || left() <= 0) return undefined;
    const outcome = await attempt(tries);
    if (outcome === undefined) return undefined;
    if (!isUnavailable(outcome)) return outcome as Exclude<Decided, PayloadUnavailable>;
    const remaining = left();
    if (signal.aborted || remaining <= 0) return undefined;
    const wanted = Math.max(backoffDelay(tries, FIRST_RETRY_MS, LONGEST_RETRY_MS), outcome.retryAfterMs ?? 0);
    const delayMs = Math.min(jittered(wanted), remaining);
    onRetry?.(outcome.why, delayMs, tries);
    await pause(clock, delayMs, signal);
  }
}

function isUnavailable(outcome: { readonly kind: string }): outcome is PayloadUnavailable {
  return outcome.kind === "unavailable";
}
