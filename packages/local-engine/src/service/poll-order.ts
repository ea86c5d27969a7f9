import type { RepeatedPoll } from "./leases.js";

/** As long as something on the way may hold a request back, and more: proxies give up within minutes. */
const REMEMBER_MS = 600_000;
/** Polls that are remembered at most; beyond that the oldest go. */
const MOST_REMEMBERED = 20_000;

interface Newest {
  readonly repeat: number;
  readonly untilMs: number;
}

/**
 * Which request of a poll was sent last. A client sends a repeat once it has given up the request before, and says how many it
 * has sent: a request that something on the way has held back until after its repeat has nobody who reads its answer, whatever
 * the repeat came to, and however long ago. Polls that were not repeated take no room here.
 */
export class PollOrder {
  private readonly nowMs: () => number;
  /** The oldest first. */
  private readonly newest = new Map<string, Newest>();

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** Takes note of a request. @returns whether one that was sent later has come before it */
  isOvertaken({ worker, pollRequestId, repeat = 0 }: RepeatedPoll): boolean {
    // As good as always.
    if (pollRequestId === null || (repeat === 0 && this.newest.size === 0)) return false;
    const { namespace, taskQueue, workerId } = worker;
    // Not by registration: it may have changed since the request was sent.
    const key = JSON.stringify([namespace, taskQueue, workerId, pollRequestId]);
    const now = this.nowMs();
    const known = this.newest.get(key);
    if (known !== undefined && known.untilMs > now && known.repeat > repeat) return true;
    if (repeat > 0) this.remember(key, { repeat, untilMs: now + REMEMBER_MS }, now);
    return false;
  }

  private remember(key: string, newest: Newest, now: number): void {
    this.newest.delete(key);
    for (const [other, { untilMs }] of this.newest) {
      if (untilMs > now && this.newest.size < MOST_REMEMBERED) break;
      this.newest.delete(other);
    }
    this.newest.set(key, newest);
  }
}
