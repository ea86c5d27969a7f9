import type { ActivityContract } from "@durable-workflow/carrier/contract";
import { checkOptionNames } from "@durable-workflow/engine-protocol";
import { defaultTransport } from "#transport";
import { EngineActivityHandle, type HandleParts } from "./activity-handle.js";
import { must } from "./check.js";
import type {
  ActivityLike,
  ArgsOf,
  Client,
  ExecuteOptions,
  ManyOptions,
  ManyOutcome,
  ResultOf,
  StartItem,
  StartOptions,
  TypedClient,
} from "./client-types.js";
import { ClientError } from "./errors/client-error.js";
import type { ActivityHandle, ActivitySummary, ListQuery } from "./handle.js";
import { type ClientOptions, type SettledOptions, settleOptions } from "./options.js";
import { calls, ends, trouble } from "./parts.js";
import { Payloads } from "./payload/payloads.js";
import { Scope, within } from "./scope.js";
import { checkDefaults, checkId, EXECUTE, nameOf, START, startRequest } from "./start/request.js";
import { type Begun, begin } from "./start/start.js";
import { ulid } from "./start/ulid.js";
import { HOLD_SECONDS, Pace } from "./wait/pace.js";
import { Connection } from "./wire/connection.js";
import { Engine } from "./wire/engine.js";

/**
 * A client of an engine's activities. It connects when it is first used, and is meant to be made once.
 *
 * ```ts
 * const client = createClient({ serverUrl: "https://engine.example.com", token: () => readToken() });
 * const receipt = await client.execute(charge, ["card-7", 1299]);
 * ```
 *
 * @throws {TypeError} for options that are not known, or cannot be
 */
export function createClient(options: ClientOptions): Client {
  return new EngineClient(settleOptions(options, defaultTransport));
}

class EngineClient implements Client {
  readonly #settled: SettledOptions;
  readonly #parts: HandleParts;
  /** Over when it is closed: all calls are made in it. */
  readonly #closing = new Scope([]);

  constructor(settled: SettledOptions) {
    this.#settled = settled;
    const engine = new Engine(new Connection(settled), settled, { trouble, ends });
    // So that waiting never keeps a start from its turn.
    const pace = new Pace(Math.max(1, Math.floor((settled.maxConcurrentRequests * 3) / 4)));
    this.#parts = { engine, payloads: new Payloads(engine), pace, closing: this.#closing };
  }

  async start<const Activity extends ActivityLike>(
    activity: Activity,
    args: ArgsOf<Activity>,
    options: StartOptions = {},
  ): Promise<ActivityHandle<ResultOf<Activity>>> {
    checkDefaults(options, "start", START);
    return this.#start(activity, args, options);
  }

  async execute<const Activity extends ActivityLike>(
    activity: Activity,
    args: ArgsOf<Activity>,
    options: ExecuteOptions = {},
  ): Promise<ResultOf<Activity>> {
    checkDefaults(options, "execute", EXECUTE);
    const { signal, timeoutMs, cancelOnAbort } = options;
    // Who gives up waiting after a while, or then cancels, needs to know that it was started.
    const isAwaited = timeoutMs === undefined && cancelOnAbort !== true;
    const handle = await this.#start(activity, args, options, isAwaited);
    try {
      return await handle.result({ signal, timeoutMs });
    } catch (error) {
      const isGivenUp = signal?.aborted === true || (error instanceof ClientError && error.code === "wait_timeout");
      // What is told is why the waiting ended.
      if (cancelOnAbort && isGivenUp) await handle.cancel().catch(() => undefined);
      throw error;
    }
  }

  async *startMany<const Activity extends ActivityLike>(
    activity: Activity,
    items: Iterable<StartItem<Activity>> | AsyncIterable<StartItem<Activity>>,
    options?: ManyOptions,
  ): AsyncGenerator<ManyOutcome<Activity>> {
    const { startMany } = await calls();
    yield* startMany((one, args, each) => this.start(one, args, each), activity, items, options);
  }

  handle<Activity = unknown>(
    activityId: string,
    options: { readonly runId?: string | undefined; readonly of?: Activity } = {},
  ): ActivityHandle<ResultOf<Activity>> {
    checkOptionNames("handle", options, { of: true, runId: true });
    return new EngineActivityHandle(this.#parts, checkId(activityId), { runId: options.runId });
  }

  async *list(query: ListQuery = {}): AsyncGenerator<ActivitySummary> {
    checkOptionNames<ListQuery>("list", query, { signal: true, bucket: true, pageSize: true });
    const { list } = await calls();
    const { engine, closing } = this.#parts;
    yield* list(engine, (work) => within(closing, query.signal, work), query);
  }

  typed<Activities>(): TypedClient<Activities> {
    return this as unknown as TypedClient<Activities>;
  }

  async close(): Promise<void> {
    this.#closing.finish(new ClientError("closed", "the client was closed"));
    await this.#settled.transport.close?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start<Activity extends ActivityLike>(
    activity: Activity,
    args: ArgsOf<Activity>,
    options: StartOptions,
    isAwaited = false,
  ): Promise<ActivityHandle<ResultOf<Activity>>> {
    const type = nameOf(activity);
    const id = options.id === undefined ? ulid(this.#settled.clock.now()) : options.id;
    const { input, defaults } = (typeof activity === "string" ? {} : activity) as Partial<
      Pick<ActivityContract, "input" | "defaults">
    >;
    must(`args of ${type}`, args, [Array.isArray, "a list of its arguments"]);
    if (defaults !== undefined) checkDefaults(defaults);
    const base = startRequest(type, id, options, [options, defaults, this.#settled.defaults]);
    const { engine, payloads, pace, closing } = this.#parts;
    return within(closing, options.signal, async (scope) => {
      if (input !== undefined) {
        const { validateArguments } = await calls();
        await validateArguments(type, input, args);
      }
      if (isAwaited) pace.enter();
      try {
        const longest = isAwaited ? Math.min(HOLD_SECONDS, engine.startWait) : 0;
        const wait = pace.holdSeconds(engine.clock.monotonic(), longest);
        const bounds = engine.bounds(scope, wait * 1000);
        const request = { ...base, activity_id: id, input: await payloads.outgoing(type, args, bounds) };
        const handleOf = (begun: Partial<Begun>): ActivityHandle<ResultOf<Activity>> =>
          new EngineActivityHandle(this.#parts, id, begun);
        const { onRunning = "error", onClosed = "restart" } = options;
        const order = { request, isOwnId: options.id === undefined, onRunning, onClosed, handleOf, wait };
        return handleOf(await begin(engine, order, bounds, trouble));
      } finally {
        if (isAwaited) pace.leave();
      }
    });
  }
}
