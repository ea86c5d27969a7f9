import type { SharedStorage } from "../payloads/shared-store.js";
import type { Clock } from "../time/clock.js";
import type { BreakerLimits } from "./options.js";

/** What leasing, running and reporting tasks goes by, whatever delivers them. The options of a dispatcher say what each means. */
export interface WorkSettings {
  readonly clock: Clock;
  readonly maxInFlight: number;
  readonly maxInFlightPerCarrier: number | undefined;
  readonly maxPolls: number;
  readonly pollSeconds: number;
  readonly requestTimeoutMs: number;
  readonly workerHeartbeatMs: number;
  readonly drainMs: number;
  readonly responseLimitBytes: number;
  readonly payloadMemoryBytes: number;
  readonly breaker: Required<BreakerLimits>;
  /** What was asked for, where a default would mean something else. */
  readonly given: {
    readonly buildId?: string;
    readonly workerHeartbeatMs?: number;
    readonly responseLimitBytes?: number;
    readonly sharedStorage?: SharedStorage;
  };
}
