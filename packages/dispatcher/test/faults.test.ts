import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ActivityFailure, InvocableActivityHandler, NonRetryableError } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DONE, type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { type FaultProxy, seededRandom, startFaultProxy } from "./support/fault-proxy.js";
import { type Loopback, listen } from "./support/loopback.js";
import { type Execution, ScriptedEngine } from "./support/scripted-engine.js";

const SEED = Number(process.env["FAULT_SEED"] ?? 29_990_601);
const TASKS = Number(process.env["FAULT_TASKS"] ?? 5_200);
/** The share of requests, and of answers, that come to harm. */
const RATE = 0.06;

const service = fileURLToPath(new URL("support/service.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dispatcher-faults-"));
const random = seededRandom(SEED);

/** What each activity does, and how it must end. */
const KINDS = ["echo", "flaky", "refuse", "slow", "foreign"] as const;
type Kind = (typeof KINDS)[number];
const ENDS: Readonly<Record<Kind, Execution["status"]>> = {
  echo: "completed",
  flaky: "completed", // fails at its first attempt
  refuse: "failed", // for good
  slow: "completed", // is kept alive by heartbeats
  foreign: "completed",
};

const handlers = new InvocableActivityHandler({
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
    await new Promise((resolve) => setTimeout(resolve, 250 + 20 * (id.length % 5)));
    return id;
  },
});
const flakyTries = new Map<string, number>();

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

const engine = new ScriptedEngine({ leaseMs: 2_500, longPollMs: 400 });
const own = new Restarting(nodeInvocableActivityHandler(handlers));
const proxies: FaultProxy[] = [];
const children = new Set<ChildProcess>();
let foreign: ForeignCarrier;
/** Whatever was asked to be recorded of each attempt. */
const asked = new Map<string, Set<string>>();
let restarts = 0;
let kills = 0;

function startService(configPath: string, engineUrl: string): ChildProcess {
  const options = {
    requestTimeoutMs: 1_500,
    workerHeartbeatMs: 500,
    maxInFlight: 60,
    breaker: { failures: 5, firstPauseMs: 50, longestPauseMs: 200 },
  };
  const child = spawn(process.execPath, [service], {
    env: {
      ...process.env,
      ENGINE: engineUrl,
      DW_EXTERNAL_EXECUTOR_CONFIG_PATH: configPath,
      OPTIONS: JSON.stringify(options),
      LEVEL: "fatal",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  engine.keepCalls = false;
  engine.interfere = ({ verb, body }) => {
    if (verb !== "complete" && verb !== "fail") return undefined;
    const attempt = String(body["activity_attempt_id"]);
    const what = `${verb} ${JSON.stringify(body["result"] ?? body["failure"])}`;
    asked.set(attempt, (asked.get(attempt) ?? new Set()).add(what));
    return undefined;
  };
  await engine.start();
  await own.up();
  foreign = await startForeignCarrier(() => DONE);
});

afterAll(async () => {
  await Promise.all([...children].map(kill));
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await own.down();
  await foreign.close();
  await engine.stop();
  rmSync(folder, { recursive: true });
});

describe(`a network that cuts, delays, truncates and duplicates, carriers and dispatchers that are killed (seed ${SEED})`, () => {
  it(`brings each of ${TASKS} tasks to exactly one end`, { timeout: 170_000 }, async () => {
    const toEngine = await startFaultProxy(Number(new URL(engine.url).port), RATE, random);
    const toOwn = await startFaultProxy(own.port, RATE, random);
    const toForeign = await startFaultProxy(foreign.port, RATE, random);
    proxies.push(toEngine, toOwn, toForeign);
    const configPath = join(folder, "executor.json");
    writeFileSync(configPath, JSON.stringify(configFor(toOwn.url, toForeign.url)));

    const executions: { readonly kind: Kind; readonly execution: Execution }[] = [];
    let done = false;
    const chaos = wreakHavoc(configPath, toEngine.url, () => done);
    for (let count = 0; count < TASKS; count++) {
      const kind = KINDS[Math.floor(random() * KINDS.length)] ?? "echo";
      const args = { ...payloadEnvelope([`${kind}-${count}`, 0]) };
      const heartbeats = kind === "slow" ? { heartbeatTimeoutMs: 300 } : {};
      const spec = { type: kind, arguments: args, maxAttempts: 1_000, ...heartbeats };
      executions.push({ kind, execution: engine.schedule(spec) });
      // Enough is always there to do, and nothing waits for minutes.
      if (count % 50 === 49) await engine.until(() => openCount(executions) < 400, "progress");
    }
    await engine.until(() => openCount(executions) < 200, "the end of most tasks");
    for (const proxy of proxies) proxy.heal();
    done = true;
    await chaos;
    await engine.until(() => openCount(executions) === 0, "the end of all tasks");

    for (const { kind, execution } of executions) {
      const final = execution.outcomes.at(-1);
      expect(execution.status, execution.id).toBe(ENDS[kind]);
      // Of all attempts, one has ended the task; the others before it have failed so that it was retried, or ran out.
      expect(execution.outcomes.filter(({ verb }) => verb === "complete").length).toBe(kind === "refuse" ? 0 : 1);
      expect(final?.verb).toBe(kind === "refuse" ? "fail" : "complete");
      expect(new Set(execution.outcomes.map(({ attemptId }) => attemptId)).size).toBe(execution.outcomes.length);
      if (kind === "refuse") expect(final?.body["failure"]).toMatchObject({ type: "Never", non_retryable: true });
      if (kind === "foreign") expect(final?.body["result"]).toEqual(DONE);
    }
    // Whatever was said of an attempt, and however often, it was the same.
    const contradicted = [...asked].filter(([, said]) => said.size > 1);
    expect(contradicted).toEqual([]);
    // And harm was done.
    for (const { counts } of proxies) {
      for (const [fault, times] of Object.entries(counts)) expect(times, fault).toBeGreaterThan(0);
    }
    expect(restarts).toBeGreaterThan(0);
    expect(kills).toBeGreaterThan(0);
  });
});

function openCount(executions: readonly { readonly execution: Execution }[]): number {
  let open = 0;
  for (const { execution } of executions) if (execution.status === "pending" || execution.status === "running") open++;
  return open;
}

/** Two dispatchers, of which one is killed every now and then, as is the carrier. */
async function wreakHavoc(configPath: string, engineUrl: string, isOver: () => boolean): Promise<void> {
  const running = [startService(configPath, engineUrl), startService(configPath, engineUrl)];
  while (!isOver()) {
    await pause(700 + Math.floor(random() * 800));
    if (isOver()) return;
    if (random() < 0.5) {
      const index = random() < 0.5 ? 0 : 1;
      const victim = running[index];
      if (victim !== undefined) await kill(victim);
      kills++;
      running[index] = startService(configPath, engineUrl);
    } else {
      await own.down();
      restarts++;
      await pause(50);
      await own.up();
    }
  }
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
