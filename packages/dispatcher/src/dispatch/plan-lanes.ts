import type { ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { type ConnectionSettings, DEFAULT_NAMESPACE } from "../config/connection.js";
import { carrierGroup, type LanePlan } from "./lane-plan.js";
import type { QueueBinding, ResolvedOptions } from "./options.js";

/**
 * Which registrations to hold. The engine hands out any task of a registration's types, so that each carrier has its own:
 * leasing for one can stop without the others. An activity whose carrier only the engine knows has one to itself, too.
 *
 * @throws {TypeError} for a queue without activity types
 */
export function planLanes(
  config: ExecutorConfig | undefined,
  queues: readonly QueueBinding[] | undefined,
  namespace: string,
): readonly LanePlan[] {
  const lanes = new Map<string, { plan: Omit<LanePlan, "activityTypes">; types: Set<string> }>();
  const add = (inNamespace: string, taskQueue: string, activityType: string, carrier: string | null): void => {
    const group = carrier === null ? `engine:${inNamespace}/${taskQueue}/${activityType}` : carrierGroup(carrier);
    const key = JSON.stringify([inNamespace, taskQueue, group]);
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = { plan: { key, namespace: inNamespace, taskQueue, carrier, group }, types: new Set() };
      lanes.set(key, lane);
    }
    lane.types.add(activityType);
  };
  const mappings = config?.mappings ?? [];
  const bindings =
    queues ?? [...new Set(mappings.map((mapping) => mapping.taskQueue))].map((taskQueue) => ({ taskQueue }));
  for (const binding of bindings as readonly QueueBinding[]) {
    const mapped = mappings.filter(({ taskQueue }) => taskQueue === binding.taskQueue);
    const types = binding.activityTypes ?? mapped.map(({ activityType }) => activityType);
    if (types.length === 0) {
      throw new TypeError(
        `queues: the executor config maps no activity of ${JSON.stringify(binding.taskQueue)}: give its activityTypes`,
      );
    }
    for (const type of types) {
      const mapping = mapped.find(({ activityType }) => activityType === type);
      // The engine lower-cases namespaces; two spellings must not become two registrations.
      add((binding.namespace ?? namespace).toLowerCase(), binding.taskQueue, type, mapping?.carrier.name ?? null);
    }
  }
  return Array.from(lanes.values(), ({ plan: { key, carrier, group, ...queue }, types }) => {
    return { key, namespace: queue.namespace, taskQueue: queue.taskQueue, carrier, group, activityTypes: [...types] };
  });
}

/**
 * What a dispatcher leases for, by its config, its connection and its options.
 *
 * @throws {TypeError} when the plan does not fit the options
 */
export function planDispatch(
  { given, maxInFlight }: ResolvedOptions,
  { namespace: { value, source } }: ConnectionSettings,
  config: ExecutorConfig | undefined,
): readonly LanePlan[] {
  // A new config may have another default; whatever outranks it stays.
  const isDefault = source === "default" || source === "config";
  const namespace = isDefault ? (config?.defaults.namespace ?? DEFAULT_NAMESPACE) : value;
  const plans = planLanes(config, given.queues, namespace);
  if (plans.length === 0) throw new TypeError("the executor config maps no activity: there is nothing to lease");
  const groups = new Set(plans.map(({ group }) => group)).size;
  if (maxInFlight < groups) throw new TypeError(`maxInFlight must be at least the number of carriers, ${groups}`);
  return plans;
}
