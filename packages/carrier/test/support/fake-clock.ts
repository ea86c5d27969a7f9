import { TestClock } from "../../src/testing/test-clock.js";

export { settle } from "../../src/testing/test-clock.js";

/** Noon of the day on which the lamps of `envelopes.ts` are dimmed: all its deadlines are ahead. */
export const NOON = Date.UTC(2999, 5, 1, 12);
/** The earliest of those deadlines that counts while the handler runs, `heartbeat`. */
export const TEN_PAST = NOON + 10 * 60_000;

/** A clock that stands still at noon. */
export class FakeClock extends TestClock {
  constructor(now = NOON) {
    super(now);
  }
}
