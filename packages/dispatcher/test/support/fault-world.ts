import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ActivityFailure, InvocableActivityHandler, NonRetryableError } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { type FaultProxy, seededRandom, startFaultProxy } from "@durable-workflow/test-support/fault-proxy";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { DONE, type ForeignCarrier, startForeignCarrier } from "./foreign-carrier.js";

export const SEED = Number(process.env["FAULT_SEED"] ?? 29_990_601);

/** The share of requests, and of answers, that come to harm. */
const RATE = 0.06;

/** What each activity does. */
export const KINDS = ["echo", "flaky", "refuse", "slow", "foreign"] as const;
export type Kind = (typeof KINDS)[number];

/** How each must end. */
export const ENDS: Readonly<Record<Kind, "completed" | "failed">> = {
  echo: "completed",
  flaky: "completed", // fails at its first attempt
  refuse: "failed", // for good
  slow: "completed", // is kept alive by heartbeats
  foreign: "completed",
};

const service = fileURLToPath(new URL("service.mjs", import.meta.url));

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The repository's own carrier, killed and restarted on the same port. */
class Restarting {
  private readonly listener: RequestListener;
  private current: Loopback | undefined;
  port = 0;

  constructor(listener: RequestListener) {
    this.listener = listener;
  }

  async up(): Promise<void> {
    this.current = await listen(createServer(this.listener), this.port);
    this.port = this.current.port;
  }

  async down(): Promise<void> {
    await this.current?.close();
  }
}

/** Two dispatchers between an engine and two carriers, with a network that does harm on every leg. */
export class FaultWorld {
  readonly random = seededRandom(SEED);
  readonly proxies: FaultProxy[] = [];
  /** Of dispatchers. */
  kills = 0;
  /** Of this repository's carrier. */
  restarts = 0;
  private readonly folder = mkdtempSync(join(tmpdir(), "dispatcher-faults-"));
  private readonly configPath = join(this.folder, "executor.json");
  private readonly children = new Set<ChildProcess>();
  private readonly own = new Restarting(nodeInvocableActivityHandler(handlers()));
  private foreign: ForeignCarrier | undefined;
  private engineUrl = "";

  async open(enginePort: number): Promise<void> {
    await this.own.up();
    this.foreign = await startForeignCarrier(() => DONE);
    const toEngine = await startFaultProxy(enginePort, RATE, this.random);
    const toOwn = await startFaultProxy(this.own.port, RATE, this.random);
    const toForeign = await startFaultProxy(this.foreign.port, RATE, this.random);
    this.proxies.push(toEngine, toOwn, toForeign);
    this.engineUrl = toEngine.url;
    writeFileSync(this.configPath, JSON.stringify(configFor(toOwn.url, toForeign.url)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.children].map(kill));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.own.down();
    await this.foreign?.close();
    rmSync(this.folder, { recursive: true });
  }

  pickKind(): Kind {
    return KINDS[Math.floor(this.random() * KINDS.length)] ?? "echo";
  }

  heal(): void {
    for (const proxy of this.proxies) proxy.heal();
  }

  /**
   * Two dispatchers, of which one is killed every now and then, as is the carrier.
   *
   * @param breathe what lies between one harm and the next
   */
  async wreakHavoc(isOver: () => boolean, breathe: () => Promise<void>): Promise<void> {
    const running = [this.startService(), this.startService()];
    while (!isOver()) {
      await breathe();
      if (isOver()) return;
      if (this.random() < 0.5) {
        const index = this.random() < 0.5 ? 0 : 1;
        const victim = running[index];
        if (victim !== undefined) await kill(victim);
        this.kills++;
        running[index] = this.startService();
      } else {
        await this.own.down();
        this.restarts++;
        await pause(50);
        await this.own.up();
      }
    }
  }

  private startService(): ChildProcess {
    const options = {
      requestTimeoutMs: 1_500,
      workerHeartbeatMs: 500,
      maxInFlight: 60,
      breaker: { failures: 5, firstPauseMs: 50, longestPauseMs: 200 },
    };
    const child = spawn(process.execPath, [service], {
      env: {
        ...process.env,
        ENGINE: this.engineUrl,
        DW_EXTERNAL_EXECUTOR_CONFIG_PATH: this.configPath,
        OPTIONS: JSON.stringify(options),
        LEVEL: "fatal",
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.children.add(child);
    child.once("exit", () => this.children.delete(child));
    return child;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function handlers(): InvocableActivityHandler {
  const flakyTries = new Map<string, number>();
  return new InvocableActivityHandler({
    echo: (id: string) => id,
    flaky: (id: string, attempt: number) => {
      const tries = (flakyTries.get(id) ?? 0) + 1;
      flakyTries.set(id, tries);
      if (tries === 1) throw new ActivityFailure("not yet", { type: "NotYet" });
      return `${id}${attempt}`;
    },
    refuse: (id: string) => {
      throw new NonRetryableError(`never: ${id}`, { type: "Never" });
    },
    slow: async (id: string) => {
      await pause(250 + 20 * (id.length % 5));
      return id;
    },
  });
}

function configFor(ownUrl: string, foreignUrl: string): object {
  const retry_policy = { max_attempts: 2, backoff_seconds: [0] };
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "lamps" },
    carriers: {
      own: { type: "invocable_http", url: ownUrl, timeout_seconds: 5, retry_policy },
      foreign: { type: "invocable_http", url: foreignUrl, timeout_seconds: 5 },
    },
    mappings: KINDS.map((kind) => ({
      name: kind,
      kind: "activity",
      activity_type: kind,
      carrier: kind === "foreign" ? "foreign" : "own",
      handler: kind,
    })),
  };
}

/** Whatever was asked to be recorded of each attempt. */
export class Asked {
  private readonly said = new Map<string, Set<string>>();

  note(verb: string, body: Readonly<Record<string, unknown>>): void {
    if (verb !== "complete" && verb !== "fail") return;
    const attempt = String(body["activity_attempt_id"]);
    const what = `${verb} ${JSON.stringify(body["result"] ?? body["failure"])}`;
    this.said.set(attempt, (this.said.get(attempt) ?? new Set()).add(what));
  }

  /** Attempts of which more than one thing was said. */
  contradictions(): readonly unknown[] {
    return [...this.said].filter(([, said]) => said.size > 1);
  }
}
