/** What a registration is doing. */
export type LaneState =
  | "starting" // not registered yet
  | "polling" // waits for tasks
  | "full" // as many tasks in flight as are allowed
  | "paused" // the carrier's circuit breaker is open
  | "waiting" // the engine does not answer, or refuses
  | "expired" // leases are over as they come
  | "stopped";

/** What a carrier's circuit breaker lets through. */
export type BreakerState =
  | "closed" // the carrier works, as far as is known
  | "open" // nothing is leased for it
  | "half_open"; // it can be connected to again: one task is tried
