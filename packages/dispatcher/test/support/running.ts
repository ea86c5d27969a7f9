import { awakeClock } from "@durable-workflow/test-support/clock";
import { PATIENCE_MS, until } from "@durable-workflow/test-support/patience";
import type { Dispatcher } from "../../src/dispatch/api.js";
import { createDispatcher } from "../../src/dispatch/dispatcher.js";
import type { DispatcherOptions } from "../../src/dispatch/options.js";
import type { DispatcherEvent } from "../../src/events/events.js";
import { type EngineUnderTest, WORKER_TOKEN } from "./engine-under-test.js";

/** A dispatcher under test, with what it has said. */
export interface Running {
  readonly dispatcher: Dispatcher;
  readonly events: DispatcherEvent[];
  readonly eventsOf: <T extends DispatcherEvent["type"]>(type: T) => Extract<DispatcherEvent, { type: T }>[];
  readonly until: (condition: () => boolean, what?: string) => Promise<void>;
}

/** Everything mapped on the queue `lamps` goes to one carrier, without credentials. */
export function oneCarrier(url: string, types: readonly string[], carrier: object = {}): Record<string, unknown> {
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "lamps" },
    carriers: { web: { type: "invocable_http", url, ...carrier } },
    mappings: types.map((type) => ({
      name: type,
      kind: "activity",
      activity_type: type,
      carrier: "web",
      handler: type,
    })),
  };
}

export async function startDispatcher(
  engine: Pick<EngineUnderTest, "url">,
  options: DispatcherOptions,
): Promise<Running> {
  const dispatcher = createDispatcher({
    environment: {},
    profilesPath: "does-not-exist.json",
    connection: { serverUrl: engine.url, token: WORKER_TOKEN },
    clock: awakeClock,
    requestTimeoutMs: PATIENCE_MS,
    drainMs: PATIENCE_MS,
    ...options,
  });
  const events: DispatcherEvent[] = [];
  dispatcher.events.on((event) => events.push(event));
  await dispatcher.start();
  return {
    dispatcher,
    events,
    eventsOf: (type) => events.filter((event): event is never => event.type === type),
    until: (condition, what = "the dispatcher's state") => until(condition, what, 5),
  };
}
