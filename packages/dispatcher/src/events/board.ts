import type { ConfigError } from "@durable-workflow/engine-protocol/executor-config";
import type { EventStream, LaneFacts } from "./events.js";
import type { LaneState } from "./states.js";

/** What one registration is doing now. */
export interface LaneHealth {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly carrier: string | null;
  readonly state: LaneState;
}

/** What the events so far add up to: the part of a dispatcher's health that can be read from them. */
export class HealthBoard {
  private readonly states = new Map<string, { readonly lane: LaneFacts; readonly state: LaneState }>();
  /** Tasks leased and not yet ended. */
  inFlight = 0;
  /** Of the worker protocol; null until one was agreed on. */
  protocolVersion: string | null = null;
  /** What is wrong with the newest executor config, while an older one is in use. */
  configErrors: readonly ConfigError[] = [];

  constructor(events: EventStream) {
    events.on((event) => {
      // The rest changes nothing here.
      // oxlint-disable-next-line typescript/switch-exhaustiveness-check
      switch (event.type) {
        case "lane_state":
          this.states.set(event.lane.workerId, event);
          break;
        case "worker_renamed": {
          const known = this.states.get(event.previousId);
          this.states.delete(event.previousId);
          if (known !== undefined) this.states.set(event.lane.workerId, { lane: event.lane, state: known.state });
          break;
        }
        case "lane_retired":
          this.states.delete(event.lane.workerId);
          break;
        case "task_leased":
          this.inFlight++;
          break;
        case "task_ended":
          this.inFlight--;
          break;
        case "engine_version":
          this.protocolVersion = event.version;
          break;
        case "config_loaded":
          this.configErrors = [];
          break;
        case "config_rejected":
          this.configErrors = event.errors;
          break;
        default:
          break;
      }
    });
  }

  get lanes(): readonly LaneHealth[] {
    return Array.from(this.states.values(), ({ lane: { namespace, taskQueue, carrier }, state }) => {
      return { namespace, taskQueue, carrier, state };
    });
  }
}
