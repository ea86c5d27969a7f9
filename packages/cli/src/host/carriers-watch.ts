import type { DispatcherEvent } from "@durable-workflow/dispatcher";
import type { CarrierState } from "@durable-workflow/inspector";
import { shownUrl } from "../net/shown-url.js";

type State = { -readonly [Key in keyof CarrierState]: CarrierState[Key] };

/** What the dispatcher's events tell of its carriers: whether they are let rest, and what went wrong last. */
export class CarriersWatch {
  private readonly states = new Map<string, State>();
  private readonly urlOf: (carrier: string) => string;

  /** @param urlOf where a carrier is, by its name in the config */
  constructor(urlOf: (carrier: string) => string) {
    this.urlOf = urlOf;
  }

  get all(): readonly CarrierState[] {
    return [...this.states.values()].map((state) => ({ ...state }));
  }

  event(event: DispatcherEvent): void {
    switch (event.type) {
      case "delivery_started":
        this.of(event.carrier);
        return;
      case "delivery_ended": {
        const state = this.of(event.carrier);
        if (event.outcome === "answered" && (event.status ?? 0) < 400) state.failuresInRow = 0;
        else if (event.outcome !== "aborted") {
          state.failuresInRow += 1;
          const status = event.status === null ? "" : ` with ${event.status}`;
          state.lastError = {
            type: event.outcome,
            message: event.likelyCause ?? `a delivery ended ${event.outcome}${status}`,
          };
          state.lastErrorAt = new Date().toISOString();
        }
        return;
      }
      case "carrier_state":
        this.of(event.carrier).breaker = event.state;
        return;
      default:
    }
  }

  private of(name: string): State {
    let state = this.states.get(name);
    if (state === undefined) {
      const url = shownUrl(this.urlOf(name));
      state = { name, url, breaker: "closed", failuresInRow: 0, lastError: null, lastErrorAt: null };
      this.states.set(name, state);
    }
    return state;
  }
}
