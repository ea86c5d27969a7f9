import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import type { AvroValue } from "@durable-workflow/carrier/payload";
import { createDispatcher, type Dispatcher } from "@durable-workflow/dispatcher";
import { createInspector, type Inspector } from "@durable-workflow/inspector";
import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { freePort } from "@durable-workflow/test-support/loopback";
import { activities } from "./activities.js";
import { engineTransport } from "./engine-transport.js";

export const QUEUE = "work";

/** An engine that serves the page, with a dispatcher and a carrier behind it. Can be ended and begun again at the same address. */
export class Stack {
  readonly client: Client;
  private readonly folder = mkdtempSync(join(tmpdir(), "inspector-"));
  private readonly isReadOnly: boolean;
  private engine: LocalEngine | undefined;
  private inspector: Inspector | undefined;
  private dispatcher: Dispatcher | undefined;
  private carrier: Server | undefined;
  private port = 0;

  private constructor(url: string, isReadOnly: boolean) {
    this.client = new Client(url);
    this.isReadOnly = isReadOnly;
  }

  static async start({ works = true, isReadOnly = false } = {}): Promise<Stack> {
    const port = await freePort();
    const stack = new Stack(`http://127.0.0.1:${port}`, isReadOnly);
    stack.port = port;
    await stack.listen();
    if (works) await stack.work();
    return stack;
  }

  /** Of the page. */
  get url(): string {
    return `${this.client.url}/`;
  }

  async listen(): Promise<void> {
    const engine = createLocalEngine({ file: join(this.folder, "engine.sqlite") });
    const inspector = createInspector({
      transport: engineTransport(() => this.client.url),
      engineUrl: this.client.url,
      namespace: "default",
      servedBy: "engine",
      parseArguments,
      commandOptions: `--server ${this.client.url}`,
      isReadOnly: this.isReadOnly,
    });
    await engine.listen({ port: this.port, site: (request, response) => inspector.handle(request, response) });
    this.engine = engine;
    this.inspector = inspector;
  }

  async stop(): Promise<void> {
    this.inspector?.close();
    await this.engine?.close();
    this.engine = undefined;
  }

  async close(): Promise<void> {
    await this.dispatcher?.drain().catch(() => {});
    this.carrier?.closeAllConnections();
    this.carrier?.close();
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async work(): Promise<void> {
    const heartbeat = engineHeartbeats({ serverUrl: this.client.url, token: "none-is-needed" });
    this.carrier = createServer(
      nodeInvocableActivityHandler(activities, { heartbeat, manifest: activityManifest() }),
    ).listen(0, "127.0.0.1");
    await once(this.carrier, "listening");
    const { port } = this.carrier.address() as AddressInfo;
    this.dispatcher = createDispatcher({
      connection: { serverUrl: this.client.url },
      askManifests: true,
      config: {
        schema: "durable-workflow.external-executor.config",
        version: 1,
        defaults: { task_queue: QUEUE },
        carriers: { local: { type: "invocable_http", url: `http://127.0.0.1:${port}` } },
        mappings: Object.keys(activities).map((type) => ({
          name: type,
          kind: "activity",
          carrier: "local",
          activity_type: type,
          handler: type,
        })),
      },
    });
    await this.dispatcher.start();
  }
}

/** Arguments as the tests type them: JSON, and the notation of 64-bit integers and bytes. */
function parseArguments(text: string): readonly AvroValue[] {
  const value = JSON.parse(text, (_, item: unknown) => {
    const { $type, value: digits, base64 } = Object(item) as Record<string, string>;
    if ($type === "long" && digits !== undefined) return BigInt(digits);
    return $type === "bytes" && base64 !== undefined ? new Uint8Array(Buffer.from(base64, "base64")) : item;
  }) as AvroValue;
  return Array.isArray(value) ? value : [value];
}
