import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { Client as Worker } from "@durable-workflow/test-support/engine-client";
import { type Client, type ClientOptions, createClient } from "../../src/index.js";
import { HarmProxy } from "./harm-proxy.js";

export const QUEUE = "lamps";

/** A real engine, a proxy before it that does harm, a client of the proxy, and a worker that is moved by hand. */
export class Scene implements AsyncDisposable {
  readonly proxy: HarmProxy;
  readonly engineUrl: string;
  readonly proxyUrl: string;
  readonly worker: Worker;
  private readonly engine: LocalEngine;
  private readonly clients: Client[] = [];

  private constructor(engine: LocalEngine, engineUrl: string, proxy: HarmProxy, proxyUrl: string) {
    this.engine = engine;
    this.engineUrl = engineUrl;
    this.proxy = proxy;
    this.proxyUrl = proxyUrl;
    this.worker = new Worker(engineUrl, { workerToken: "worker-token", operatorToken: "operator-token" });
  }

  static async set(options: Partial<LocalEngineOptions> = {}): Promise<Scene> {
    const auth = { workerToken: "worker-token", operatorToken: "operator-token" };
    const engine = createLocalEngine({ file: ":memory:", auth, ...options });
    const { url } = await engine.listen({ port: 0 });
    const proxy = new HarmProxy(url);
    const scene = new Scene(engine, url, proxy, await proxy.start());
    await scene.worker.register("w", QUEUE, ["greet", "dim"]);
    return scene;
  }

  client(options: Partial<ClientOptions> = {}): Client {
    const client = createClient({
      serverUrl: this.proxyUrl,
      token: "operator-token",
      clock: awakeClock,
      defaults: { taskQueue: QUEUE },
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  /** Takes the next task, and ends it well. */
  async complete(result: unknown): Promise<void> {
    const held = await this.worker.take("w", QUEUE);
    if (held === undefined) throw new Error("there is no task");
    const { status } = await this.worker.report("complete", held, {
      result: { codec: "avro", blob: encodeAvroValue(result) },
    });
    if (status !== 200) throw new Error(`complete: ${status}`);
  }

  /** Takes the next task, and ends it badly. */
  async fail(failure: Readonly<Record<string, unknown>>): Promise<void> {
    const held = await this.worker.take("w", QUEUE);
    if (held === undefined) throw new Error("there is no task");
    const { status } = await this.worker.report("fail", held, { failure });
    if (status !== 200) throw new Error(`fail: ${status}`);
  }

  async stopEngine(): Promise<void> {
    await this.engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client.close();
    await this.proxy.stop();
    await this.engine.close();
  }
}

/** The error that a promise rejects with. */
export async function errorOf<E>(promise: Promise<unknown>, is: (error: unknown) => error is E): Promise<E> {
  const error: unknown = await promise.then(
    () => new Error("it did not reject"),
    (reason: unknown) => reason,
  );
  if (!is(error)) throw error;
  return error;
}
