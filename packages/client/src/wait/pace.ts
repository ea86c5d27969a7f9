import { Slots } from "../slots.js";

const FIRST_MS = 100;
const LONGEST_MS = 2_000;
const GROWTH = 1.5;
/** Where the engine does not answer. */
const LONGEST_TROUBLE_MS = 10_000;
/** However many wait, one client asks no more often than every so many milliseconds. */
const APART_MS = 5;
/** For how long an engine is asked to hold its answer back, in seconds. */
export const HOLD_SECONDS = 20;
/** The same, while it is not known that the newest run of the id is the one that is waited for: it may never end. */
export const FIRST_HOLD_SECONDS = 1;
/** An engine that does not hold answers back is asked again whether it does after so long. */
const FORGET_MS = 60_000;

/** How often the waits of one client ask, all together: bounded, and a little uneven, so that they do not come at once. */
export class Pace {
  readonly slots: Slots;
  readonly #most: number;
  #waits = 0;
  #holdsNotUntil = 0;

  /** @param most requests of waits under way at once */
  constructor(most: number) {
    this.#most = most;
    this.slots = new Slots(most);
  }

  enter(): void {
    this.#waits++;
  }

  leave(): void {
    this.#waits--;
  }

  /** For how long the engine is to hold its answer back: when all waits can be held at once, so that none keeps another from asking. */
  holdSeconds(now: number, most: number): number {
    return this.#waits <= this.#most && now >= this.#holdsNotUntil ? most : 0;
  }

  /** Told when an answer came, after so long, that was to be held back. */
  heldFor(ms: number, seconds: number, now: number): void {
    if (ms < seconds * 900) this.#holdsNotUntil = now + FORGET_MS;
  }

  /** The pause before the request of this number, from 1. */
  pauseMs(count: number): number {
    return Math.max(Math.min(FIRST_MS * GROWTH ** (count - 1), LONGEST_MS), this.#waits * APART_MS);
  }

  /** The pause after so many answers that did not come. */
  troubleMs(count: number): number {
    return Math.min(FIRST_MS * 2 ** count, LONGEST_TROUBLE_MS);
  }
}
