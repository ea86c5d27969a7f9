import type { StopSignal } from "../time/call-off.js";

/** Smaller pieces are not counted: their number is bounded by that of the tasks in flight. */
export const UNCOUNTED_BYTES = 64 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

/**
 * Bytes that may be in memory at once, for all tasks together. Whoever asks for more than there is room for waits, in the
 * order of asking. One piece that is larger than all the room is let in alone, so that none waits for ever.
 */
export class ByteBudget {
  readonly limitBytes: number;
  private held = 0;
  private readonly waiting = new Set<Waiting>();

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.held;
  }

  /** How many wait for room. */
  get queued(): number {
    return this.waiting.size;
  }

  /**
   * What gives the room back, at once where there is room, and else once there is; undefined when the signal aborts before. Never
   * rejects.
   */
  acquire(bytes: number, signal: StopSignal): Promise<Held | undefined> | Held | undefined {
    if (signal.aborted) return undefined;
    const counted = bytes <= UNCOUNTED_BYTES ? 0 : bytes;
    const held = (): Held => new Held((returned) => this.giveBack(returned), counted);
    if (counted > 0 && (this.waiting.size > 0 || !this.fits(counted))) {
      return this.queue(counted, signal).then((admitted) => (admitted ? held() : undefined));
    }
    this.held += counted;
    return held();
  }

  private fits(bytes: number): boolean {
    return this.held === 0 || this.held + bytes <= this.limitBytes;
  }

  private queue(bytes: number, signal: StopSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (): void => {
        this.waiting.delete(entry);
        resolve(false);
        // Those behind may have waited for this one alone.
        this.admitNext();
      };
      const entry: Waiting = {
        bytes,
        admit: () => {
          signal.removeEventListener("abort", leave);
          resolve(true);
        },
      };
      this.waiting.add(entry);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  private giveBack(bytes: number): void {
    this.held -= bytes;
    this.admitNext();
  }

  private admitNext(): void {
    for (const entry of this.waiting) {
      if (!this.fits(entry.bytes)) return;
      this.waiting.delete(entry);
      this.held += entry.bytes;
      entry.admit();
    }
  }
}

/** Room that one piece takes, until it is given back. */
export class Held {
  private readonly giveBack: (bytes: number) => void;
  private bytes: number;

  constructor(giveBack: (bytes: number) => void, bytes: number) {
    this.giveBack = giveBack;
    this.bytes = bytes;
  }

  /** More is needed than had been asked for, and has come already. It does not wait: two of those would wait for each other. */
  grow(bytes: number): void {
    if (bytes <= this.bytes) return;
    this.giveBack(this.bytes - bytes);
    this.bytes = bytes;
  }

  /** Less was needed than had been asked for. */
  shrink(bytes: number): void {
    if (bytes >= this.bytes) return;
    this.giveBack(this.bytes - bytes);
    this.bytes = bytes;
  }

  release(): void {
    this.shrink(0);
  }
}
