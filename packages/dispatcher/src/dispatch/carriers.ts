import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import type { EventStream } from "../events/events.js";
import type { BreakerState } from "../events/states.js";
import type { Clock } from "../time/clock.js";
import { CarrierBreaker } from "./breaker.js";
import type { BreakerLimits } from "./options.js";

export interface CarrierWatchOptions {
  readonly clock: Clock;
  readonly events: EventStream;
  readonly limits: Required<BreakerLimits>;
  /** Whether a carrier can be connected to. */
  readonly canConnect: (carrier: Carrier, signal: AbortSignal) => Promise<boolean>;
}

interface Watched {
  readonly breaker: CarrierBreaker;
  /** Where to look whether it can be connected to; unknown until the engine has said. */
  carrier: Carrier | undefined;
}

/** A circuit breaker for each carrier that tasks are leased for. */
export class CarrierWatch {
  private readonly options: CarrierWatchOptions;
  private readonly watched = new Map<string, Watched>();

  constructor(options: CarrierWatchOptions) {
    this.options = options;
  }

  breaker(group: string): CarrierBreaker {
    return this.entry(group).breaker;
  }

  /** Says where the carrier of a group is. */
  locate(group: string, carrier: Carrier): void {
    this.entry(group).carrier = carrier;
  }

  /** Forgets the carriers that nothing is leased for any more. */
  keepOnly(groups: ReadonlySet<string>): void {
    for (const [group, { breaker }] of this.watched) {
      if (groups.has(group)) continue;
      breaker.close();
      this.watched.delete(group);
    }
  }

  /** The state of each carrier, by group. */
  states(): ReadonlyMap<string, BreakerState> {
    return new Map([...this.watched].map(([group, { breaker }]) => [group, breaker.state]));
  }

  close(): void {
    for (const { breaker } of this.watched.values()) breaker.close();
  }

  private entry(group: string): Watched {
    let entry = this.watched.get(group);
    if (entry === undefined) {
      entry = this.watch(group);
      this.watched.set(group, entry);
    }
    return entry;
  }

  private watch(group: string): Watched {
    const { clock, events, limits, canConnect } = this.options;
    const watched: Watched = {
      carrier: undefined,
      breaker: new CarrierBreaker({
        clock,
        ...limits,
        probe: (signal) =>
          watched.carrier === undefined ? Promise.resolve(true) : canConnect(watched.carrier, signal),
        onState: (state, failures, retryInMs) => {
          const carrier = watched.carrier?.name ?? group;
          events.emit({ type: "carrier_state", carrier, state, failures, retryInMs });
        },
      }),
    };
    return watched;
  }
}
