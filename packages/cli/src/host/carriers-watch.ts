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
    return [...this.states.values()];
  }

  event(event: DispatcherEvent): void {
    if (event.type === "carrier_state") this.of(event.carrier).breaker = event.state;
    else if (event.type === "delivery_started") this.of(event.carrier);
    else if (event.type === "delivery_ended") this.ended(event);
  }

  private ended(event: Extract<DispatcherEvent, { type: "delivery_ended" }>): void {
    const { outcome, status, likelyCause } = event;
    if (outcome === "aborted") return;
    const state = this.of(event.carrier);
    if (outcome === "answered" && (status ?? 0) < 400) {
      state.failuresInRow = 0;
      return;
    }
    const what = `a delivery ended ${outcome}${status === null ? "" : ` with ${status}`}`;
    state.failuresInRow += 1;
    state.lastError = { type: outcome, message: likelyCause ?? what };
    state.lastErrorAt = new Date().toISOString();
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
