import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SHORT_LEASES } from "@durable-workflow/engine-protocol";
import { freePort } from "@durable-workflow/test-support/loopback";
import { afterEach, expect, it } from "vitest";
import type { Activity } from "./support/engine-under-test.js";
import { RealEngine, type RealEngineOptions } from "./support/real-engine.js";
import { oneCarrier, startDispatcher } from "./support/running.js";

/** What is killed with SIGKILL, and started again at once: how long until work goes on, and what it has cost. */
const TASKS = 80;
const TASK_MS = 200;
/** Most of what is waited for here is a machine that has other things to do. Without recovery it were five minutes. */
const PATIENCE_MS = 60_000;

const file = (name: string): string => fileURLToPath(new URL(`support/${name}.mjs`, import.meta.url));
const children: ChildProcess[] = [];
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const end of endings.splice(0).toReversed()) await end();
});

async function begin(options: RealEngineOptions = {}): Promise<RealEngine> {
  const engine = new RealEngine({ longPollMs: 1_000, ...options });
  await engine.start();
  endings.push(() => engine.stop());
  return engine;
}

function start(program: string, environment: Record<string, string>): ChildProcess {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [file(program)], { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

async function startCarrier(port = 0, taskMs = TASK_MS): Promise<{ child: ChildProcess; port: number }> {
  const child = start("carrier-process", { PORT: String(port), TASK_MS: String(taskMs) });
  const [said] = (await once(child.stdout!, "data")) as [Buffer];
  return { child, port: Number(said.toString()) };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

const completed = (activities: readonly Activity[]): number =>
  activities.filter(({ status }) => status === "completed").length;

async function schedule(engine: RealEngine): Promise<Activity[]> {
  const activities: Activity[] = [];
  // The default policy: one attempt.
  for (let count = 0; count < TASKS; count++) activities.push(await engine.schedule({ type: "work" }));
  return activities;
}

it("a carrier that is killed and started again costs no attempt, and a moment", async () => {
  const engine = await begin();
  const { child, port } = await startCarrier(await freePort());
  const config = oneCarrier(`http://127.0.0.1:${port}/activities`, ["work"]);
  const { dispatcher } = await startDispatcher(engine, { config, maxInFlight: 6 });
  endings.push(() => dispatcher.drain());
  const activities = await schedule(engine);
  await engine.until(() => completed(activities) > 0, "the first");
  await kill(child);
  const before = completed(activities);
  const again = await startCarrier(port);
  expect(again.port).toBe(port);
  const upAt = performance.now();
  await engine.until(() => completed(activities) > before, "the first after it");
  // A held task is tried every second at the latest, and the breaker looks after 0.2 s first.
  expect(performance.now() - upAt).toBeLessThan(PATIENCE_MS);
  await engine.until(() => activities.every(({ status }) => status !== "pending" && status !== "running"), "the end");
  expect(completed(activities)).toBe(TASKS);
  for (const { attempts, outcomes } of activities) {
    expect(attempts).toHaveLength(1);
    expect(outcomes.map(({ verb }) => verb)).toEqual(["complete"]);
  }
});

it("a dispatcher with a name of its own that is killed has its tasks run again as soon as it is back", async () => {
  const engine = await begin({ shortLeaseMs: 300_000 });
  const { port } = await startCarrier(0, 1_000);
  const folder = mkdtempSync(join(tmpdir(), "dispatcher-recovery-"));
  endings.push(() => rmSync(folder, { recursive: true }));
  const configPath = join(folder, "executor.json");
  writeFileSync(configPath, JSON.stringify(oneCarrier(`http://127.0.0.1:${port}/activities`, ["work"])));
  const environment = {
    ENGINE: engine.url,
    DW_EXTERNAL_EXECUTOR_CONFIG_PATH: configPath,
    OPTIONS: JSON.stringify({ workerId: "the-same", maxInFlight: 20 }),
    LEVEL: "fatal",
  };
  const dispatcher = start("service", environment);
  const activities = [await engine.schedule({ type: "work" }), await engine.schedule({ type: "work" })];
  await engine.until(() => activities.every(({ status }) => status === "running"), "both in flight");
  await kill(dispatcher);
  const startedAt = performance.now();
  start("service", environment);
  // A lease lasts five minutes here.
  await engine.until(() => completed(activities) === activities.length, "both again");
  expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS);
});

it("a dispatcher says that it renews its leases, and gets short ones", async () => {
  const engine = await begin();
  const { port } = await startCarrier(0, 1_000);
  const config = oneCarrier(`http://127.0.0.1:${port}/activities`, ["work"]);
  const { dispatcher } = await startDispatcher(engine, { config });
  endings.push(() => dispatcher.drain());
  const activity = await engine.schedule({ type: "work" });
  await engine.untilStatus(activity, "running");
  expect(engine.callsOf("register")[0]?.body).toMatchObject({ capabilities: [SHORT_LEASES] });
  const { attempts } = await engine.describe(activity);
  expect(Date.parse(attempts[0].lease_expires_at) - Date.parse(attempts[0].started_at)).toBe(30_000);
  await engine.untilStatus(activity, "completed");
});
