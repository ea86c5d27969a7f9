import type { TransportRetryPolicy } from "@durable-workflow/engine-protocol/executor-config";
import { backoffDelay, jittered } from "../time/clock.js";

const FIRST_HOLD_MS = 250;
const LONGEST_HOLD_MS = 60_000;
/** So long is a task held in all for a carrier that puts it off; then it is for the engine's policy to say what follows. */
const LONGEST_HELD_MS = 300_000;

/** How long a task is held for a carrier that asks for that, one answer after the other. */
export class Holding {
  private times = 0;
  private heldMs = 0;

  /**
   * Milliseconds to wait: what was asked for, up to a minute, and no less than doubles from 250 ms with each time; up to a
   * quarter longer by chance. Undefined when nothing was asked for, or it has been held for five minutes.
   */
  next(askedMs: number | undefined): number | undefined {
    if (askedMs === undefined) return undefined;
    this.times++;
    const waitMs = Math.max(askedMs, backoffDelay(this.times, FIRST_HOLD_MS, LONGEST_HOLD_MS));
    const delayMs = jittered(Math.min(LONGEST_HOLD_MS, waitMs));
    if (this.heldMs + delayMs > LONGEST_HELD_MS) return undefined;
    this.heldMs += delayMs;
    return delayMs;
  }
}

/** Milliseconds to wait before the next try; undefined when the policy has none left. @param tries made so far, from 1 */
export function retryDelayMs({ maxAttempts, backoffSeconds }: TransportRetryPolicy, tries: number): number | undefined {
  if (tries >= maxAttempts) return undefined;
  const seconds = backoffSeconds[Math.min(tries, backoffSeconds.length) - 1] ?? 0;
  return seconds * 1000;
}

/** Whether the policy counts an answer of this status as "not reached". */
export function isRetryableStatus({ retryableStatusCodes }: TransportRetryPolicy, status: number): boolean {
  return retryableStatusCodes.some((code) => (code === "5xx" ? status >= 500 && status <= 599 : code === status));
}
