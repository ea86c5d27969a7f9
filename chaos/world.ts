import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type FaultProxy, seededRandom, startFaultProxy } from "@durable-workflow/test-support/fault-proxy";
import { freePort } from "@durable-workflow/test-support/loopback";
import { EngineDisk } from "./disk.js";
import type { ChaosOptions } from "./options.js";
import { Part } from "./part.js";
import { DISPATCHERS, EDGES } from "./schedule.js";
import { LEASE_SECONDS, QUEUE_NAME, SOAK_LEASE_SECONDS, type StarterSettings } from "./settings.js";
import { CARRIERS, KINDS } from "./workload.js";

const BIN = join(
  dirname(createRequire(import.meta.url).resolve("@durable-workflow/carrier-cli/package.json")),
  "dist/bin.js",
);
const PATIENCE_MS = 60_000;

/** All that a run is made of: parts, each in a process of its own, and a proxy on each edge between them. */
export class World {
  readonly parts = new Map<string, Part>();
  /** None in a soak: there every part calls the other itself. */
  readonly edges = new Map<string, FaultProxy>();
  readonly disk: EngineDisk;
  /** Without a proxy: for whoever judges. */
  engineUrl = "";
  readonly folder: string;
  private readonly urls = new Map<string, string>();
  private readonly programs: string;
  private readonly options: ChaosOptions;

  constructor(folder: string, programs: string, options: ChaosOptions) {
    this.folder = folder;
    this.programs = programs;
    this.options = options;
    mkdirSync(join(folder, "effects"));
    this.disk = new EngineDisk(folder, options.tasks);
  }

  part(name: string): Part {
    const part = this.parts.get(name);
    if (part === undefined) throw new Error(`there is no part ${name}`);
    return part;
  }

  edge(name: string): FaultProxy {
    const edge = this.edges.get(name);
    if (edge === undefined) throw new Error(`there is no edge ${name}`);
    return edge;
  }

  /** Brings everything up but the client. */
  async start(): Promise<void> {
    const ports = new Map<string, number>();
    for (const name of ["engine", ...CARRIERS.map((one) => `carrier-${one}`)]) ports.set(name, await freePort());
    const random = seededRandom(this.options.seed + 1);
    for (const name of EDGES) {
      const port = ports.get(name.split(">")[1] ?? "") ?? 0;
      if (!this.options.soak) this.edges.set(name, await startFaultProxy(port, 0, random));
      this.urls.set(name, this.edges.get(name)?.url ?? `http://127.0.0.1:${port}`);
    }
    this.engineUrl = `http://127.0.0.1:${ports.get("engine")}`;
    const program = (name: string): string => join(this.programs, `${name}.mjs`);
    const lease = this.options.soak ? SOAK_LEASE_SECONDS : LEASE_SECONDS;
    this.add("engine", [
      program("engine"),
      join(this.disk.folder, "engine.db"),
      String(ports.get("engine")),
      String(lease),
    ]);
    for (const name of CARRIERS) {
      const part = `carrier-${name}`;
      const serve = ["serve", program("activities"), "--port", String(ports.get(part)), "--linger", "0", "--json"];
      this.add(part, [BIN, ...serve], {
        DURABLE_WORKFLOW_SERVER_URL: this.urlOf(`${part}>engine`),
        DURABLE_WORKFLOW_AUTH_TOKEN: "none-is-needed",
      });
    }
    for (const name of DISPATCHERS) {
      const config = join(this.folder, `${name}.json`);
      writeFileSync(config, JSON.stringify(this.configFor(name)));
      this.add(name, [BIN, "dispatch", "--config", config, "--server", this.urlOf(`${name}>engine`), "--json"]);
    }
    for (const part of this.parts.values()) part.start();
    await this.untilReady();
  }

  /** Starts the client. @param perSecond activities that it starts @param startedAt from which they are counted */
  startClient(perSecond: number, startedAt: number): Part {
    const settings: StarterSettings = {
      url: this.urlOf("client>engine"),
      tasks: this.options.tasks,
      seed: this.options.seed,
      perSecond,
      startedAt,
      folder: this.folder,
    };
    const client = this.add("client", [join(this.programs, "starter.mjs"), JSON.stringify(settings)]);
    client.start();
    return client;
  }

  /** Undoes every fault. */
  heal(): void {
    this.disk.empty();
    for (const edge of this.edges.values()) {
      edge.heal();
      edge.sever(false);
    }
    for (const part of this.parts.values()) {
      part.thaw();
      part.step(0);
    }
  }

  /** Ends everything but the engine, as one does. @returns who had to be killed */
  async stopWorkers(): Promise<readonly string[]> {
    const slow: string[] = [];
    for (const part of this.parts.values()) {
      if (part.name !== "engine" && !(await part.stop(PATIENCE_MS))) slow.push(part.name);
    }
    return slow;
  }

  async close(): Promise<void> {
    this.heal();
    for (const part of this.parts.values()) await part.stop(20_000);
    for (const edge of this.edges.values()) await edge.close();
    this.disk.close();
  }

  private urlOf(edge: string): string {
    return this.urls.get(edge) ?? "";
  }

  private add(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Part {
    const preload = pathToFileURL(join(this.programs, "stepped-clock.mjs")).href;
    const part = new Part({ name, args, folder: this.folder, env, preload });
    this.parts.set(name, part);
    return part;
  }

  private configFor(dispatcher: string): object {
    return {
      schema: "durable-workflow.external-executor.config",
      version: 1,
      defaults: { task_queue: QUEUE_NAME },
      carriers: Object.fromEntries(
        CARRIERS.map((name) => [name, { type: "invocable_http", url: this.urlOf(`${dispatcher}>carrier-${name}`) }]),
      ),
      mappings: CARRIERS.flatMap((name) =>
        KINDS.map((kind) => {
          const type = `${name}.${kind}`;
          return { name: type, kind: "activity", activity_type: type, carrier: name, handler: type };
        }),
      ),
    };
  }

  private async untilReady(): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    for (const url of [`${this.engineUrl}/api/ready`, ...CARRIERS.map((one) => `${this.carrierUrl(one)}/`)]) {
      while (!(await answers(url))) {
        if (Date.now() > until) {
          const said = [...this.parts.values()].map(({ name, complaints }) => `${name}: ${complaints.slice(-500)}`);
          throw new Error(`${url} is not ready\n${said.join("\n")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  private carrierUrl(name: string): string {
    return this.urlOf(`dispatcher-1>carrier-${name}`);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
