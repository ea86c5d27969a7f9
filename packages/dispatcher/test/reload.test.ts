import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { loadAuthorizers } from "../src/authorizers.js";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";
import { ScriptedEngine, type ScriptedEngineOptions } from "./support/scripted-engine.js";

const folder = mkdtempSync(join(tmpdir(), "dispatcher-reload-"));
const file = join(folder, "executor.json");
afterAll(() => rmSync(folder, { recursive: true }));

let engine: ScriptedEngine;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

const writeConfig = (types: readonly string[]): void =>
  writeFileSync(file, JSON.stringify(oneCarrier(carrier.url, types)));

async function begin(options: ScriptedEngineOptions, types: readonly string[]): Promise<void> {
  engine = new ScriptedEngine(options);
  await engine.start();
  carrier = await startForeignCarrier();
  writeConfig(types);
  // Looked at when a test says so.
  running = await startDispatcher(engine, { configPath: file, configCheckMs: 0, drainMs: 200 });
  await engine.until(() => engine.heldPolls > 0);
}

it("a new activity of a carrier is leased at once, however long polls are held", async () => {
  await begin({ longPollMs: 60_000 }, ["t.old"]);
  writeConfig(["t.old", "t.new"]);
  expect(await running.dispatcher.reload()).toBe(true);
  await engine.untilStatus(engine.schedule({ type: "t.new" }), "completed");
});

it("a task that a held poll brings after its activity was taken off the config is delivered, not failed", async () => {
  // It knows no way to recall a poll.
  await begin({ version: "1.0", longPollMs: 2_000 }, ["t.old", "t.gone"]);
  writeConfig(["t.old"]);
  expect(await running.dispatcher.reload()).toBe(true);
  const execution = engine.schedule({ type: "t.gone" });
  await engine.untilStatus(execution, "completed", "failed");
  expect(execution.outcomes).toMatchObject([{ verb: "complete" }]);
});

it("a file that changes during a reload is the one in use after it", async () => {
  engine = new ScriptedEngine();
  await engine.start();
  carrier = await startForeignCarrier();
  writeConfig(["t.old"]);
  const profilesPath = join(folder, "profiles.json");
  running = await startDispatcher(engine, { configPath: file, configCheckMs: 20, profilesPath });
  const { dispatcher } = running;
  // Reading it waits until somebody writes to it: the reload has read the config by then, and not put it to work.
  execFileSync("mkfifo", [profilesPath]);
  writeConfig(["t.reloaded"]);
  const reloading = dispatcher.reload();
  const writer = await open(profilesPath, "w");
  writeConfig(["t.newest"]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await writer.writeFile(JSON.stringify({ schema: "durable-workflow.cli.config", envs: {} }));
  await writer.close();
  expect(await reloading).toBe(true);
  await engine.untilStatus(engine.schedule({ type: "t.newest" }), "completed");
  const [lane] = running.eventsOf("registered").slice(-1);
  expect(lane?.activityTypes).toEqual(["t.newest"]);
});

/** What the config says of the wall gets nobody past it: its authorizer does. */
const behindWall = (types: readonly string[]): object => ({
  ...oneCarrier(carrier.url, types),
  defaults: { task_queue: "lamps", auth_ref: "wall" },
  auth_refs: { wall: { type: "env", env: "NEVER_SET" } },
});

it("new authorizers are used from a reload on; broken ones leave the old in use, and tell no secret", async () => {
  engine = new ScriptedEngine();
  await engine.start();
  carrier = await startForeignCarrier();
  const authorizersFile = join(folder, "authorizers.json");
  const gate = (variable: string, more: object = {}): void =>
    writeFileSync(
      authorizersFile,
      JSON.stringify({ wall: { type: "headers", headers: { "x-gate": { env: variable } }, ...more } }),
    );
  const writeGuarded = (types: readonly string[]): void => writeFileSync(file, JSON.stringify(behindWall(types)));
  const gateOfNext = async (type: string): Promise<unknown> => {
    await engine.untilStatus(engine.schedule({ type }), "completed");
    return carrier.received.at(-1)?.headers["x-gate"];
  };
  gate("OLD");
  writeGuarded(["t.one"]);
  const environment = { OLD: "s3cret-old", NEW: "s3cret-new" };
  const authorizers = () => loadAuthorizers(authorizersFile, { environment });
  running = await startDispatcher(engine, { configPath: file, configCheckMs: 20, environment, authorizers });
  const { dispatcher } = running;
  expect(await gateOfNext("t.one")).toBe("s3cret-old");

  gate("NEW");
  expect(await dispatcher.reload()).toBe(true);
  expect(await gateOfNext("t.one")).toBe("s3cret-new");

  gate("OLD", { heders: "s3cret" });
  expect(await dispatcher.reload()).toBe(false);
  expect(dispatcher.health().configErrors).toMatchObject([
    { code: "unsupported_auth_ref", message: expect.stringContaining("wall.heders is no known field") as string },
  ]);
  expect(await gateOfNext("t.one")).toBe("s3cret-new");
  expect(JSON.stringify(running.events)).not.toContain("s3cret");

  // By itself, with the config.
  gate("OLD");
  writeGuarded(["t.one", "t.two"]);
  expect(await gateOfNext("t.two")).toBe("s3cret-old");
  expect(dispatcher.health().configErrors).toEqual([]);
});

it("authorizers that are in order are used though the config beside them is broken", async () => {
  engine = new ScriptedEngine();
  await engine.start();
  carrier = await startForeignCarrier();
  writeFileSync(file, JSON.stringify(behindWall(["t.one"])));
  let gate = "old";
  const authorizers = () => ({ wall: { authorize: () => Promise.resolve({ headers: { "x-gate": gate } }) } });
  running = await startDispatcher(engine, { configPath: file, configCheckMs: 0, authorizers });
  writeFileSync(file, "{");
  gate = "new";
  expect(await running.dispatcher.reload()).toBe(false);
  await engine.untilStatus(engine.schedule({ type: "t.one" }), "completed");
  expect(carrier.received.at(-1)?.headers["x-gate"]).toBe("new");
});
