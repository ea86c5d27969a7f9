import { afterEach, describe, expect, it } from "vitest";
import { DONE, type ForeignCarrier, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { ScriptedEngine, type ScriptedEngineOptions } from "./support/scripted-engine.js";
import type { DispatcherOptions } from "../src/dispatch/options.js";

let engine: ScriptedEngine;
const carriers: ForeignCarrier[] = [];
let running: Running;

async function carrier(handle?: ForeignHandler, port?: number): Promise<ForeignCarrier> {
  const started = await startForeignCarrier(handle, port);
  carriers.push(started);
  return started;
}

async function begin(options: DispatcherOptions, engineOptions: ScriptedEngineOptions = {}): Promise<void> {
  engine = new ScriptedEngine(engineOptions);
  await engine.start();
  running = await startDispatcher(engine, options);
}

afterEach(async () => {
  await running.dispatcher.drain();
  await Promise.all(carriers.splice(0).map((started) => started.close()));
  await engine.stop();
});

const mappingTo = (type: string, name: string) => ({
  name: type,
  kind: "activity",
  activity_type: type,
  carrier: name,
  handler: "h",
});

const queueMapping = (queue: number) => ({
  name: `q${queue}`,
  kind: "activity",
  task_queue: `q${queue}`,
  activity_type: "t",
  carrier: "web",
  handler: "t",
});

/** Two carriers on one queue: `slow.*` goes to the first, `fast.*` to the second. */
function twoCarriers(slow: string, fast: string): Record<string, unknown> {
  return {
    ...oneCarrier(slow, []),
    carriers: { slow: { type: "invocable_http", url: slow }, fast: { type: "invocable_http", url: fast } },
    mappings: [mappingTo("slow.work", "slow"), mappingTo("fast.work", "fast")],
  };
}

/** Holds every task until released, and remembers how many were held at once. */
function gate() {
  const waiting: (() => void)[] = [];
  let open = false;
  const state = { atOnce: 0, most: 0 };
  const handle: ForeignHandler = async () => {
    state.atOnce++;
    state.most = Math.max(state.most, state.atOnce);
    if (!open) await new Promise<void>((resolve) => waiting.push(resolve));
    state.atOnce--;
    return DONE;
  };
  const release = (): void => {
    open = true;
    for (const go of waiting.splice(0)) go();
  };
  return { handle, release, state };
}

describe("limits", () => {
  it("hold for tasks in flight, and no more is leased than there are slots", async () => {
    const { handle, release, state } = gate();
    const web = await carrier(handle);
    await begin({ config: oneCarrier(web.url, ["lamps.dim"]), maxInFlight: 5 });
    const executions = Array.from({ length: 30 }, () => engine.schedule({ type: "lamps.dim" }));
    await running.until(() => state.atOnce === 5);
    await running.until(() => running.dispatcher.health().lanes[0]?.state === "full");
    expect(executions.filter(({ status }) => status === "running")).toHaveLength(5);
    expect(running.dispatcher.health().ready).toBe(true);
    release();
    await engine.until(() => executions.every(({ status }) => status === "completed"));
    expect(state.most).toBe(5);
    expect(executions.every(({ attempts }) => attempts.length === 1)).toBe(true);
  });

  it("of one carrier leave the others alone", async () => {
    const { handle, release } = gate();
    const [slow, fast] = [await carrier(handle), await carrier()];
    await begin({ config: twoCarriers(slow.url, fast.url), maxInFlight: 6 });
    const stuck = Array.from({ length: 20 }, () => engine.schedule({ type: "slow.work" }));
    await running.until(() => slow.received.length === 3);
    const quick = Array.from({ length: 20 }, () => engine.schedule({ type: "fast.work" }));
    await engine.until(() => quick.every(({ status }) => status === "completed"));
    expect(stuck.filter(({ status }) => status === "running")).toHaveLength(3);
    release();
    await engine.until(() => stuck.every(({ status }) => status === "completed"));
  });

  it("that are fewer than queues of a carrier go round", { timeout: 40_000 }, async () => {
    const web = await carrier();
    const config = { ...oneCarrier(web.url, []), mappings: [1, 2, 3].map(queueMapping) };
    await begin({ config, maxInFlight: 1 }, { longPollMs: 60_000 });
    await engine.until(() => engine.heldPolls > 0);
    for (const queue of [3, 1, 2]) {
      await engine.untilStatus(engine.schedule({ type: "t", taskQueue: `q${queue}` }), "completed");
    }
  });

  it("must be enough for every carrier", async () => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]) });
    await expect(startDispatcher(engine, { config: twoCarriers(web.url, web.url), maxInFlight: 1 })).rejects.toThrow(
      "maxInFlight must be at least the number of carriers, 2",
    );
  });
});

describe("polls", () => {
  it("are one without work, more with it", async () => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]), maxPolls: 4 }, { longPollMs: 300 });
    await engine.until(() => engine.heldPolls === 1);
    const executions = Array.from({ length: 60 }, () => engine.schedule({ type: "t" }));
    await engine.until(() => executions.every(({ status }) => status === "completed"));
    await engine.until(() => engine.heldPolls > 1);
    await engine.until(() => engine.heldPolls === 1, "one held poll");
  });

  it("whose answer is lost are repeated under the same id, and the task that was leased is found", async () => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]) });
    const execution = engine.schedule({ type: "t" });
    await engine.untilStatus(execution, "completed");
    // The engine leases; the answer that says so is cut off on the way.
    let lost = false;
    engine.interfere = ({ verb }) => {
      if (verb !== "poll" || lost) return undefined;
      lost = true;
      return { status: 200, body: '{"task": {"task_', headers: {} };
    };
    await engine.until(() => lost);
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    const ids = engine.callsOf("poll").map(({ body }) => body["poll_request_id"]);
    expect(new Set(ids).size).toBe(ids.length - 1);
  });

  it("serve several queues and namespaces in one process", async () => {
    const web = await carrier();
    const config = { ...oneCarrier(web.url, ["t"]), defaults: { task_queue: "lamps" } };
    await begin({ config, queues: [{ taskQueue: "lamps" }, { taskQueue: "lamps", namespace: "attic" }] });
    const both = [engine.schedule({ type: "t" }), engine.schedule({ type: "t", namespace: "attic" })];
    await engine.until(() => both.every(({ status }) => status === "completed"));
    expect(running.dispatcher.health().lanes.map(({ namespace }) => namespace)).toEqual(["default", "attic"]);
  });
});

describe("a dead carrier", () => {
  const breaker = { failures: 3, firstPauseMs: 100, longestPauseMs: 200 };

  it("has nothing leased for it, so that attempts are not burnt, and is tried again when it is back", async () => {
    const web = await carrier();
    const { port } = web;
    await web.close();
    await begin({ config: oneCarrier(web.url, ["t"]), breaker, maxInFlight: 2 });
    const executions = Array.from({ length: 20 }, () => engine.schedule({ type: "t", maxAttempts: 1 }));
    await running.until(() => running.eventsOf("carrier_state").some(({ state }) => state === "open"));
    await running.until(() => running.dispatcher.health().lanes[0]?.state === "paused");
    const burnt = executions.filter(({ attempts }) => attempts.length > 0).length;
    // Three open it; one more may have been leased before that was known.
    expect(burnt).toBeLessThanOrEqual(5);
    expect(running.dispatcher.health().ready).toBe(false);
    // Several probes later it is still so: a probe costs no task.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(executions.filter(({ attempts }) => attempts.length > 0)).toHaveLength(burnt);
    await carrier(undefined, port);
    await engine.until(() => executions.filter(({ status }) => status === "completed").length === 20 - burnt);
    expect(running.dispatcher.health()).toMatchObject({ ready: true, carriers: [{ carrier: "web", state: "closed" }] });
  });

  it("does not stop the others", async () => {
    const [dead, fast] = [await carrier(), await carrier()];
    await dead.close();
    await begin({ config: twoCarriers(dead.url, fast.url), breaker });
    for (let count = 0; count < 10; count++) engine.schedule({ type: "slow.work" });
    await running.until(() => running.eventsOf("carrier_state").some(({ state }) => state === "open"));
    await engine.untilStatus(engine.schedule({ type: "fast.work" }), "completed");
  });
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

  it("gets no credential that is not bound to its origin", async () => {
    const [web, other] = [await carrier(), await carrier()];
    const credentials = { own: { type: "env", env: "LAMP_TOKEN", origins: [other.url] } } as const;
    await begin({ queues, credentials, environment: { LAMP_TOKEN: "lamp-s3cret" } });
    const execution = engine.schedule({ type: "t", externalExecutor: executor(web.url, { auth_ref: "own" }) });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
      type: "DeliveryRefused",
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

  it("that is missing as well fails the task so that it is retried", async () => {
    await begin({ queues });
    const execution = engine.schedule({ type: "t" });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({ type: "DeliveryRefused", retryable: true });
  });
});
