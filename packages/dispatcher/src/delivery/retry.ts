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

const FIRST_UNREACHED_MS = 100;
const LONGEST_UNREACHED_MS = 1_000;

/** How long a task is held for a carrier that nothing can be sent to: it is down, or being restarted, and sees none of it. */
export class Unreached {
  private readonly longestMs: number;
  private times = 0;
  private heldMs = 0;

  /** @param longestMs for how long in all */
  constructor(longestMs: number) {
    this.longestMs = longestMs;
  }

  /** Milliseconds to wait: doubles from 100 ms up to a second, up to a quarter longer by chance. Undefined when it was long enough. */
  next(): number | undefined {
    this.times++;
    const delayMs = jittered(backoffDelay(this.times, FIRST_UNREACHED_MS, LONGEST_UNREACHED_MS));
    if (this.heldMs + delayMs > this.longestMs) return undefined;
    this.heldMs += delayMs;
    return delayMs;
  }
}

/** Why a connection that was to be made was not, where that may pass by itself. */
const MAY_PASS: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENOTFOUND",
  "EPIPE",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** Whether an error says that a host was not there, which it may be in a moment. A certificate, say, does not get better. */
export function mayPass(error: unknown): boolean {
  const { code, errors } = (error ?? {}) as { readonly code?: unknown; readonly errors?: readonly unknown[] };
  // Of a host with several addresses each is tried.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(mayPass);
  return typeof code === "string" && MAY_PASS.has(code);
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
