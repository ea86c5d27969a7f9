import type { Dispatcher as UndiciDispatcher } from "undici";
import { createDispatcher, type Dispatcher } from "../../src/index.js";
import type { BoundedRequest } from "../../src/net/bounded-request.js";
import { CallOff } from "../../src/time/call-off.js";
import { type ModelAnswer, ModelEngine, type ModelOptions, type Verb } from "./model-engine.js";
import { VirtualTime } from "./virtual-time.js";

const ENGINE = "http://127.0.0.1:1";
const CARRIER = "http://127.0.0.1:2";

export interface FleetOptions extends Pick<ModelOptions, "heartbeatSeconds"> {
  readonly dispatchers: number;
  /** Queues in all, and of one dispatcher. */
  readonly queues: number;
  readonly queuesEach: number;
  /** Of all queues together; each gets as many. */
  readonly tasksPerSecond: number;
  /** How long a carrier takes for one. */
  readonly taskMs: number;
  readonly pollSeconds?: number;
  readonly maxPolls?: number;
  /** How many tasks the engine hands out at once. Default: one. */
  readonly batch?: number;
}

/** Real dispatchers by one engine, in virtual time: their clock and what they send requests with are not the system's. */
export class Fleet {
  readonly time = new VirtualTime(Date.UTC(2999, 5, 1, 12));
  readonly engine: ModelEngine;
  readonly queueNames: readonly string[];
  private readonly options: FleetOptions;
  private readonly dispatchers: Dispatcher[] = [];
  private tasks = 0;
  private isStarting = false;

  constructor(options: FleetOptions) {
    this.options = options;
    this.queueNames = Array.from({ length: options.queues }, (_, index) => `q${index}`);
    this.engine = new ModelEngine({
      time: this.time,
      longPollSeconds: 30,
      latencyMs: 2,
      leaseMs: 300_000,
      heartbeatSeconds: options.heartbeatSeconds,
      batch: options.batch,
    });
  }

  /** What `createAgent` is to give: requests of this fleet go to its engine, and to its carrier. */
  readonly agent = {
    dispatch: ({ origin, path, method, body }: UndiciDispatcher.DispatchOptions, handler: BoundedRequest): boolean => {
      const gone = new CallOff();
      handler.onConnect(() => gone.abort(undefined));
      const request = {
        method,
        path,
        body: typeof body === "string" ? body : Buffer.from((body ?? "") as Uint8Array).toString("utf8"),
        signal: gone,
      };
      const answering = String(origin) === ENGINE ? this.engine.request(request) : this.carry(request.body);
      answering.then(
        (answer) => {
          const type = answer.type ?? "application/json";
          handler.onHeaders(answer.status, [Buffer.from("content-type"), Buffer.from(type)], () => undefined);
          handler.onData(Buffer.from(JSON.stringify(answer.body)));
          handler.onComplete();
        },
        (error: Error) => handler.onError(error),
      );
      return true;
    },
    close: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  };

  /** Starts them one after the other, over so many milliseconds. */
  async start(overMs: number): Promise<void> {
    const { dispatchers, pollSeconds, maxPolls } = this.options;
    for (let index = 0; index < dispatchers; index++) {
      await this.time.until(Math.floor((index * overMs) / dispatchers));
      const dispatcher = createDispatcher({
        environment: {},
        profilesPath: "/nowhere/profiles.json",
        connection: { serverUrl: ENGINE },
        config: this.configOf(index),
        configCheckMs: 0,
        clock: this.time,
        workerId: `d${index}`,
        ...(pollSeconds === undefined ? {} : { pollSeconds }),
        ...(maxPolls === undefined ? {} : { maxPolls }),
      });
      this.dispatchers.push(dispatcher);
      await dispatcher.start();
    }
  }

  /** Tasks come from now on, to all queues in turn, evenly. */
  startTasks(): void {
    this.isStarting = true;
    this.comeNext();
  }

  stopTasks(): void {
    this.isStarting = false;
  }

  /** Requests of each second between two, of some verbs or all. */
  perSecond(from: number, to: number, ...verbs: readonly Verb[]): readonly number[] {
    return Array.from({ length: to - from }, (_, place) => {
      const counts = this.engine.asked[from + place];
      if (counts === undefined) return 0;
      return [...counts].reduce(
        (sum, [verb, count]) => (verbs.length === 0 || verbs.includes(verb) ? sum + count : sum),
        0,
      );
    });
  }

  /** Tasks that each queue had done between two seconds. */
  servedByQueue(from: number, to: number): ReadonlyMap<string, number> {
    const counts = new Map(this.queueNames.map((name) => [name, 0]));
    for (const { queue, at } of this.engine.served) {
      if (at >= from * 1000 && at < to * 1000) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    }
    return counts;
  }

  /** How long tasks of each queue waited on average, of those that came between two seconds. */
  waitByQueue(from: number, to: number): ReadonlyMap<string, number> {
    const waits = new Map<string, number[]>(this.queueNames.map((name) => [name, []]));
    for (const { queue, at, waitedMs } of this.engine.served) {
      const cameAt = at - waitedMs;
      if (cameAt >= from * 1000 && cameAt < to * 1000) waits.get(queue)?.push(waitedMs);
    }
    return new Map(Array.from(waits, ([name, all]) => [name, all.reduce((sum, one) => sum + one, 0) / all.length]));
  }

  private comeNext(): void {
    if (!this.isStarting) return;
    const name = this.queueNames[this.tasks++ % this.queueNames.length];
    if (name !== undefined) this.engine.add(name);
    this.time.schedule(1000 / this.options.tasksPerSecond, () => this.comeNext());
  }

  private configOf(index: number): object {
    const { queues, queuesEach } = this.options;
    const own = Array.from({ length: queuesEach }, (_, place) => `q${(index * queuesEach + place) % queues}`);
    return {
      schema: "durable-workflow.external-executor.config",
      version: 1,
      carriers: { web: { type: "invocable_http", url: `${CARRIER}/` } },
      mappings: own.map((queue) => ({
        name: queue,
        kind: "activity",
        activity_type: `run.${queue}`,
        task_queue: queue,
        carrier: "web",
        handler: "run",
      })),
    };
  }

  private carry(body: string): Promise<ModelAnswer> {
    const { task } = JSON.parse(body) as { readonly task: Readonly<Record<string, unknown>> };
    return new Promise((resolve) => {
      this.time.schedule(this.options.taskMs, () => resolve({ status: 200, body: resultOf(task), type: RESULT_TYPE }));
    });
  }
}

export const RESULT_TYPE = "application/vnd.durable-workflow.external-task-result+json";

export function resultOf({ id, kind, attempt, idempotency_key }: Readonly<Record<string, unknown>>): object {
  return {
    schema: "durable-workflow.v2.external-task-result",
    version: 1,
    outcome: { status: "succeeded", recorded: false },
    task: { id, kind, attempt, idempotency_key },
    result: { payload: { codec: "avro", blob: "wwHioz3/VYAiNwoIZG9uZQ==" }, metadata: null },
    metadata: { handler: "run", carrier: "model", duration_ms: 1 },
  };
}
