import type { Carrier, ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import type { EventStream } from "../events/events.js";
import type { CarrierDeliverer } from "./carrier-deliverer.js";
import { carrierGroup, type LanePlan } from "./lane-plan.js";
import type { Work } from "./work.js";

/** Puts executor configs to work. */
export class ConfigAtWork {
  private readonly work: Work;
  private readonly deliverer: CarrierDeliverer;
  private readonly events: EventStream;

  constructor(work: Work, deliverer: CarrierDeliverer, events: EventStream) {
    this.work = work;
    this.deliverer = deliverer;
    this.events = events;
  }

  /** The one in use; undefined where only the engine's mapping counts. */
  get config(): ExecutorConfig | undefined {
    return this.deliverer.routing.config;
  }

  /** Tasks are delivered by it, and leased by its plans, from now on. */
  apply(config: ExecutorConfig | undefined, plans: readonly LanePlan[]): void {
    this.deliverer.use(config);
    const located = new Map<string, Carrier>();
    for (const { carrier } of config?.mappings ?? []) located.set(carrierGroup(carrier.name), carrier);
    this.work.arrange(plans, located);
    const carriers = new Set(config?.mappings.map(({ carrier }) => carrier.name)).size;
    this.events.emit({ type: "config_loaded", mappings: config?.mappings.length ?? 0, carriers });
  }

  renewCredentials(): void {
    this.deliverer.renewCredentials();
  }
}
