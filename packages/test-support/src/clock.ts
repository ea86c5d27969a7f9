import { TestClock } from "@durable-workflow/carrier/testing";

/** Noon of a day far ahead. */
export const NOON = Date.UTC(2999, 5, 1, 12);

/** A clock that stands still at noon until it is moved. */
export class FakeClock extends TestClock {
  constructor(now = NOON) {
    super(now);
  }
}
