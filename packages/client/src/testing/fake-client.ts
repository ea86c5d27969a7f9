import { type ActivityDefinition, type ActivityHandlers, isActivityDefinition } from "@durable-workflow/carrier";
import { checkOptionNames } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { createClient } from "../client.js";
import type { Client } from "../client-types.js";
import { FakeEngine } from "./fake-engine.js";

export interface FakeClientOptions {
  /** What a carrier would serve: in an object, a Map, or a list of definitions. Others cannot be started. */
  readonly activities: ActivityHandlers;
}

/** A start that the fake took. */
export interface FakeCall {
  readonly activity: string;
  /** As the handler gets them: through the codec. */
  readonly args: readonly unknown[];
  readonly id: string;
  readonly taskQueue: string;
  /** All that was sent, as it is on the wire. */
  readonly request: Readonly<Record<string, unknown>>;
}

export interface FakeClient extends Client {
  /** Every start, in their order. */
  readonly calls: readonly FakeCall[];
}

/**
 * A client for tests, without an engine: it is the client itself, over a transport that runs the activities in this process,
 * at once, through the code of a carrier and the codec. Retries do not pause. What the activities do is done.
 *
 * ```ts
 * const client = fakeClient({ activities: [charge] });
 * assert.deepEqual(await client.execute(charge, ["card-7", 1299]), { id: "ch_1" });
 * assert.deepEqual(client.calls[0].args, ["card-7", 1299]);
 * ```
 *
 * An activity that is not among them is refused as an engine refuses bad input: `ClientError` with the code `invalid`.
 *
 * @throws {TypeError} for options that are not known, and for what holds no activities
 */
export function fakeClient(options: FakeClientOptions): FakeClient {
  checkOptionNames("fakeClient", options, { activities: true });
  const calls: FakeCall[] = [];
  const record = (request: StartRequest, args: readonly unknown[]): void => {
    const { activity_type: activity, activity_id: id = "", task_queue: taskQueue } = request;
    calls.push({ activity, args, id, taskQueue, request: { ...request } });
  };
  const { activities } = options;
  const transport = new FakeEngine(activities, namesOf(activities), record);
  const client = createClient({ serverUrl: "http://engine.test", transport });
  return Object.defineProperty(client, "calls", { value: calls, enumerable: true }) as FakeClient;
}

/** The names that a carrier would serve them under. */
function namesOf(activities: ActivityHandlers): ReadonlySet<string> {
  const entries: Iterable<readonly [string, unknown]> = Array.isArray(activities)
    ? (activities as readonly { readonly name?: string }[]).map((one) => [one.name ?? "", one] as const)
    : activities instanceof Map
      ? activities
      : Object.entries(activities);
  return new Set(Array.from(entries, ([key, one]) => (isActivityDefinition(one) ? nameIn(one, key) : key)));
}

function nameIn({ name }: ActivityDefinition, key: string): string {
  return name ?? key;
}
