import {
  type ActivityMapping,
  type Carrier,
  type ConfigError,
  type ExecutorConfig,
  mappingDifferences,
  readEngineMapping,
  resolveActivity,
} from "@durable-workflow/engine-protocol/executor-config";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { RefusedAnswer } from "../delivery/answer.js";
import { type CarrierDeliveryDeps, deliverTask } from "../delivery/carrier-delivery.js";
import type { InputSchemasRequest, Route, RouteRequest, Routing } from "../delivery/deliverer.js";
import { inputSchemasBy } from "../delivery/known-inputs.js";
import type { EventStream } from "../events/events.js";
import { taskFacts } from "./task-facts.js";

export interface ConfigRoutingOptions {
  /** Undefined where only the engine's mapping counts. */
  readonly config: ExecutorConfig | undefined;
  readonly delivery: CarrierDeliveryDeps;
  readonly events: EventStream;
  /** Whether commands are run that only the engine maps. */
  readonly allowEngineCommands: boolean;
  /** Whether tasks are sent to URLs that only the engine maps. */
  readonly allowEngineTargets: boolean;
  /** Whether HTTP carriers are asked for their manifests: all, none, or those of these names. */
  readonly askManifests: boolean | readonly string[];
  /** What has been said of the config, and need not be said again. Default: nothing. */
  readonly told?: Set<string>;
}

/** Where tasks go by the executor config that is in use at some time, and by the engine's mapping where that may count. */
export class ConfigRouting implements Routing {
  readonly config: ExecutorConfig | undefined;
  readonly told: Set<string>;
  private readonly options: ConfigRoutingOptions;

  constructor(options: ConfigRoutingOptions) {
    this.options = options;
    this.config = options.config;
    this.told = options.told ?? new Set();
  }

  maps(task: LeasedTask): boolean {
    return this.mappingOf(task) !== undefined;
  }

  route({ task, isRegistered, onCarrier }: RouteRequest): Route | RefusedAnswer {
    const mapping = this.resolve(task, isRegistered);
    if (!("carrier" in mapping)) return mapping;
    const { delivery } = this.options;
    onCarrier(mapping.carrier);
    return { carrier: mapping.carrier.name, deliver: (given) => deliverTask(given, mapping, delivery) };
  }

  /** What the carrier of some activities says of their arguments; see {@link inputSchemasBy}. */
  inputSchemas(request: InputSchemasRequest): ReturnType<typeof inputSchemasBy> {
    return inputSchemasBy(request, this.config, this.options);
  }

  private mappingOf({ taskQueue, activityType }: LeasedTask): ActivityMapping | undefined {
    return this.config === undefined ? undefined : resolveActivity(this.config, taskQueue, activityType);
  }

  /** This machine's own mapping where it has one, else the engine's, else why neither can be followed. */
  private resolve(task: LeasedTask, isRegistered: boolean): ActivityMapping | RefusedAnswer {
    const { events } = this.options;
    const { externalExecutor, taskQueue, activityType, workerSession } = task;
    if (workerSession !== null) {
      const message =
        "the task belongs to a worker session, and this dispatcher keeps none: no state of a worker is shared";
      return { kind: "refused", code: "worker_session_unsupported", message };
    }
    const own = this.mappingOf(task);
    const engines = externalExecutor === null ? undefined : readEngineMapping(externalExecutor);
    if (own !== undefined) {
      // One that cannot be followed can be no mapping of ours.
      const differences = (mapping: ActivityMapping | undefined): readonly string[] =>
        mapping === undefined ? ["external_executor"] : mappingDifferences(own, mapping);
      const fields = engines === undefined ? [] : differences(engines.mapping);
      if (fields.length > 0 && this.isNews(`${taskQueue}/${activityType}: ${fields.join()}`)) {
        events.emit({ type: "mapping_differs", task: taskFacts(task), fields });
      }
      return own;
    }
    if (engines === undefined) {
      const message = `neither the executor config nor the engine maps ${activityType} of ${taskQueue}`;
      return { kind: "refused", code: "no_mapping", message };
    }
    const message = this.refusalOf(task, engines.mapping?.carrier, isRegistered);
    if (message !== undefined) return { kind: "refused", code: "mapping_refused", message };
    if (engines.mapping !== undefined) return engines.mapping;
    events.emit({ type: "mapping_refused", task: taskFacts(task), errors: engines.errors });
    return { kind: "refused", code: "mapping_refused", message: engines.errors.map(describeError).join("; ") };
  }

  /** Why a mapping that only the engine has is not followed. */
  private refusalOf(
    { activityType }: LeasedTask,
    carrier: Carrier | undefined,
    isRegistered: boolean,
  ): string | undefined {
    const { allowEngineCommands, allowEngineTargets } = this.options;
    if (!isRegistered) return `this dispatcher has never registered ${activityType}`;
    switch (carrier?.type) {
      case "process":
        return allowEngineCommands ? undefined : "commands that only the engine maps are not run (allowEngineCommands)";
      case "invocable_http":
        return allowEngineTargets ? undefined : "URLs that only the engine maps are not called (allowEngineTargets)";
      case undefined:
        return undefined;
    }
  }

  private isNews(what: string): boolean {
    const isNews = !this.told.has(what);
    this.told.add(what);
    return isNews;
  }
}

function describeError({ code, message }: ConfigError): string {
  return `${code}: ${message}`;
}
