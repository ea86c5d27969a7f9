import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { completes, type EngineUnderTest } from "./support/engine-under-test.js";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { RealEngine } from "./support/real-engine.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { ScriptedEngine } from "./support/scripted-engine.js";

const folder = mkdtempSync(join(tmpdir(), "dispatcher-mapping-"));
const file = join(folder, "executor.json");
afterAll(() => rmSync(folder, { recursive: true }));

let toStop: EngineUnderTest;
let running: Running;
const carriers: ForeignCarrier[] = [];

async function carrier(): Promise<ForeignCarrier> {
  const started = await startForeignCarrier();
  carriers.push(started);
  return started;
}

afterEach(async () => {
  await running.dispatcher.drain();
  await Promise.all(carriers.splice(0).map((started) => started.close()));
  await toStop.stop();
});

/** A mapping as the engine sends it along. */
const executor = (url: string, more: object = {}) => ({
  schema: "durable-workflow.external-executor.config.mapping",
  version: 1,
  name: "dim",
  kind: "activity",
  activity_type: "t",
  task_queue: "lamps",
  handler: "t",
  carrier: { name: "web", type: "invocable_http", target: { type: "invocable_http", url } },
  ...more,
});

describe("the engine's mapping", () => {
  let engine: ScriptedEngine;

  async function begin(options: DispatcherOptions): Promise<void> {
    engine = new ScriptedEngine();
    toStop = engine;
    await engine.start();
    running = await startDispatcher(engine, { allowEngineTargets: true, ...options });
  }

  const queues = [{ taskQueue: "lamps", activityTypes: ["t"] }];

  it("suffices where there is no config", async () => {
    const web = await carrier();
    const credentials = { own: { type: "env", env: "LAMP_TOKEN", origins: [web.url] } } as const;
    await begin({ queues, credentials, environment: { LAMP_TOKEN: "lamp-s3cret" } });
    const externalExecutor = executor(web.url, { auth_ref: "own", auth: { type: "env", token: "redacted" } });
    await engine.untilStatus(engine.schedule({ type: "t", externalExecutor }), "completed");
    expect(web.received[0]?.headers.authorization).toBe("Bearer lamp-s3cret");
    expect(web.received[0]?.envelope["task"].external_executor).toEqual(externalExecutor);
  });

  it("of a URL is not followed unless that is allowed: nothing is sent there", async () => {
    const web = await carrier();
    await begin({ queues, allowEngineTargets: false });
    const execution = engine.schedule({ type: "t", externalExecutor: executor(web.url) });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
      type: "DeliveryRefused",
      retryable: true,
      message: expect.stringContaining("(allowEngineTargets)"),
    });
    expect(web.received).toEqual([]);
  });

  it("of a type that was never registered is not followed, whatever is allowed", async () => {
    const web = await carrier();
    engine = new ScriptedEngine();
    toStop = engine;
    await engine.start();
    const execution = engine.schedule({
      type: "other",
      externalExecutor: executor(web.url, { activity_type: "other" }),
    });
    // An engine that hands out what nobody asked for.
    engine.interfere = ({ verb, body }) => {
      if (verb === "register") (body["supported_activity_types"] as string[]).push("other");
      return undefined;
    };
    running = await startDispatcher(engine, { queues, allowEngineTargets: true, allowEngineCommands: true });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
      message: expect.stringContaining("has never registered other"),
    });
    expect(web.received).toEqual([]);
  });

  it("gets no credential that is not bound to its origin", async () => {
    const [web, other] = [await carrier(), await carrier()];
    const credentials = { own: { type: "env", env: "LAMP_TOKEN", origins: [other.url] } } as const;
    await begin({ queues, credentials, environment: { LAMP_TOKEN: "lamp-s3cret" } });
    const execution = engine.schedule({ type: "t", externalExecutor: executor(web.url, { auth_ref: "own" }) });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
      type: "InvocableCarrierAuthUnavailable",
      kind: "application",
      retryable: true,
      message: `The task was not delivered (credential_unavailable): the credential own may not be sent to ${web.url}.`,
    });
    expect(web.received).toEqual([]);
  });

  it("runs no command, unless that is allowed", async () => {
    const script = `process.stdin.on("data", () => {}).on("end", () => process.exit(75))`;
    const target = { type: "process", command: [process.execPath, "-e", script] };
    const externalExecutor = executor("", { carrier: { name: "cli", type: "process", target } });
    await begin({ queues });
    const refused = engine.schedule({ type: "t", externalExecutor });
    await engine.untilStatus(refused, "failed");
    expect(refused.outcomes[0]?.body["failure"]).toMatchObject({ type: "DeliveryRefused" });
    const allowing = await startDispatcher(engine, { queues, allowEngineCommands: true });
    await running.dispatcher.drain();
    running = allowing;
    const run = engine.schedule({ type: "t", externalExecutor });
    await engine.untilStatus(run, "failed");
    expect(run.outcomes[0]?.body["failure"]).toMatchObject({ type: "TemporaryFailure" });
  });

  it("is held to the rules of a config", async () => {
    await begin({ queues });
    const execution = engine.schedule({ type: "t", externalExecutor: executor("http://lamps.example/") });
    await engine.untilStatus(execution, "failed");
    expect(running.eventsOf("mapping_refused")[0]?.errors.map(({ code }) => code)).toEqual([
      "invalid_carrier_target",
      "missing_invocable_auth_ref",
    ]);
  });

  it("that differs from the config's is reported, and the config counts", async () => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]) });
    const same = engine.schedule({ type: "t", externalExecutor: executor(`${web.url}/`) });
    await engine.untilStatus(same, "completed");
    expect(running.eventsOf("mapping_differs")).toEqual([]);
    const other = executor("https://elsewhere.example/", { auth_ref: "x", timeout_seconds: 5 });
    await engine.untilStatus(engine.schedule({ type: "t", externalExecutor: other }), "completed");
    expect(running.eventsOf("mapping_differs")[0]?.fields).toEqual(["auth_ref", "timeout_seconds", "carrier.url"]);
  });

  it("that is missing leaves it to the own one to name the handler, beside the activity's type", async () => {
    const web = await carrier();
    const mapping = { name: "t", kind: "activity", activity_type: "t", carrier: "web", handler: "lamps.dim" };
    await begin({ config: { ...oneCarrier(web.url, []), mappings: [mapping] } });
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    expect(web.received[0]?.envelope["task"]).toMatchObject({
      handler: "t",
      external_executor: { handler: "lamps.dim" },
    });
  });

  it("that is missing as well fails the task so that it is retried", async () => {
    await begin({ queues });
    const execution = engine.schedule({ type: "t" });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({ type: "DeliveryRefused", retryable: true });
  });
});

describe("the executor config of the local engine", () => {
  const queues = [{ taskQueue: "lamps", activityTypes: ["t"] }];

  /** An engine that reads the config, and a dispatcher. */
  async function begin(config: object, options: DispatcherOptions): Promise<RealEngine> {
    writeFileSync(file, JSON.stringify(config));
    const engine = new RealEngine({ externalExecutorConfig: file });
    toStop = engine;
    await engine.start();
    running = await startDispatcher(engine, { allowEngineTargets: true, ...options });
    return engine;
  }

  it("suffices where the dispatcher has none", async () => {
    const web = await carrier();
    const config = {
      ...oneCarrier(web.url, ["t"]),
      defaults: { task_queue: "lamps", auth_ref: "own" },
      auth_refs: { own: { type: "env", env: "LAMP_TOKEN" } },
    };
    const credentials = { own: { type: "env", env: "LAMP_TOKEN", origins: [web.url] } } as const;
    const engine = await begin(config, { queues, credentials, environment: { LAMP_TOKEN: "lamp-s3cret" } });
    await completes(engine, { type: "t" });
    expect(web.received[0]?.headers.authorization).toBe("Bearer lamp-s3cret");
    expect(web.received[0]?.envelope["task"].external_executor).toMatchObject({ name: "t", auth_ref: "own" });
  });

  it("may be the dispatcher's own: nothing differs, and a change of one is told", async () => {
    const [web, other] = [await carrier(), await carrier()];
    const engine = await begin(oneCarrier(web.url, ["t"]), { configPath: file, configCheckMs: 0 });
    await completes(engine, { type: "t" });
    expect(web.received).toHaveLength(1);
    expect(running.eventsOf("mapping_differs")).toEqual([]);
    // The engine reads it when it changes; this dispatcher when it is told to.
    writeFileSync(file, JSON.stringify(oneCarrier(other.url, ["t"], { timeout_seconds: 30 })));
    await completes(engine, { type: "t" });
    expect(web.received).toHaveLength(2);
    expect(running.eventsOf("mapping_differs")[0]?.fields).toEqual(["carrier.timeout_seconds", "carrier.url"]);
    await running.dispatcher.reload();
    await completes(engine, { type: "t" });
    expect(other.received).toHaveLength(1);
  });

  it("that maps nothing fails the task so that it is retried", async () => {
    const engine = await begin({ ...oneCarrier("http://127.0.0.1:1/", []), mappings: [] }, { queues });
    const activity = await engine.schedule({ type: "t", maxAttempts: 2 });
    await engine.untilStatus(activity, "failed");
    expect(activity.outcomes.map(({ body }) => body["failure"])).toMatchObject([
      { type: "DeliveryRefused", retryable: true },
      { type: "DeliveryRefused", retryable: true },
    ]);
  });
});
