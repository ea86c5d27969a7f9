import type { Clock } from "@durable-workflow/carrier";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import { Gateway } from "@durable-workflow/test-support/gateway";
import { PATIENCE_MS, until } from "@durable-workflow/test-support/patience";
import type { ActivityWorker, ActivityWorkerOptions, DispatcherEvent } from "../../src/index.js";
import { createActivityWorker } from "../../src/index.js";

export const WORKER_TOKEN = "worker-t0ken";
const OPERATOR_TOKEN = "operator-t0ken";
const QUEUE = "lamps";

type Options = Omit<ActivityWorkerOptions, "taskQueue" | "serverUrl"> & Partial<ActivityWorkerOptions>;

/** A real engine, a gateway before it, and the workers of one test. */
export class World {
  readonly gateway = new Gateway({
    target: () => (this.isDown ? undefined : this.engineUrl),
    now: () => this.clock.now(),
  });
  readonly workers: ActivityWorker[] = [];
  isDown = false;
  private engine: LocalEngine | undefined;
  private engineUrl = "";
  /** Of the engine and of the workers: what keeps this process from running for a while costs no lease. */
  private readonly clock: Clock;

  private constructor(clock: Clock) {
    this.clock = clock;
  }

  static async begin(options: Partial<LocalEngineOptions> = {}, clock = awakeClock): Promise<World> {
    const world = new World(clock);
    world.engine = createLocalEngine({
      file: ":memory:",
      longPollSeconds: 1,
      clock,
      auth: { workerToken: WORKER_TOKEN, operatorToken: OPERATOR_TOKEN },
      ...options,
    });
    world.engineUrl = (await world.engine.listen()).url;
    await world.gateway.start();
    return world;
  }

  async end(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.drain()));
    await this.gateway.stop();
    await this.engine?.close();
  }

  get client(): Client {
    return new Client(this.engineUrl, { operatorToken: OPERATOR_TOKEN, workerToken: WORKER_TOKEN });
  }

  /** A worker that goes through the gateway, with what it says. */
  worker(options: Options): { readonly worker: ActivityWorker; readonly events: DispatcherEvent[] } {
    const worker = createActivityWorker({
      taskQueue: QUEUE,
      serverUrl: this.gateway.url,
      token: WORKER_TOKEN,
      environment: {},
      drainMs: PATIENCE_MS,
      clock: this.clock,
      ...options,
    });
    const events: DispatcherEvent[] = [];
    worker.events.on((event) => events.push(event));
    this.workers.push(worker);
    return { worker, events };
  }

  async schedule(type: string, args: readonly unknown[] = [], more: object = {}): Promise<string> {
    const input = payloadEnvelope(args);
    const started = await this.client.started(type, QUEUE, { input, ...more });
    return started.activity_id as string;
  }

  /** The activity once it has closed. */
  async closed(id: string): Promise<Json> {
    let described: Json;
    const isClosed = async (): Promise<boolean> => {
      described = await this.client.describe(id, "?wait=1");
      return described.status !== "running" && described.status !== "pending";
    };
    await until(isClosed, `the end of ${id}`);
    return described;
  }

  callsOf(verb: string) {
    return this.gateway.calls.filter((call) => call.verb === verb);
  }
}

export function resultOf(described: Json): unknown {
  return decodePayload(described.result);
}

/** Resolves once the signal is aborted, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}
