import { freePort } from "@durable-workflow/test-support/loopback";
import { afterEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { ScriptedEngine, type ScriptedEngineOptions } from "./support/scripted-engine.js";

let engine: ScriptedEngine;
let running: Running;
const carriers: ForeignCarrier[] = [];

async function carrier(port?: number): Promise<ForeignCarrier> {
  const started = await startForeignCarrier(undefined, port);
  carriers.push(started);
  return started;
}

async function begin(options: DispatcherOptions, engineOptions: ScriptedEngineOptions = {}): Promise<void> {
  engine = new ScriptedEngine(engineOptions);
  await engine.start();
  running = await startDispatcher(engine, { allowEngineTargets: true, ...options });
}

afterEach(async () => {
  engine.interfere = () => undefined;
  await running.dispatcher.drain();
  await Promise.all(carriers.splice(0).map((started) => started.close()));
  await engine.stop();
});

const executor = (url: string) => ({
  schema: "durable-workflow.external-executor.config.mapping",
  version: 1,
  name: "dim",
  kind: "activity",
  activity_type: "t",
  task_queue: "lamps",
  handler: "t",
  carrier: { name: "web", type: "invocable_http", target: { type: "invocable_http", url } },
});

describe("the engine's mapping", () => {
  it("that is missing for one activity burns no attempts beyond the first few, and leaves others alone", async () => {
    const web = await carrier();
    await begin({ queues: [{ taskQueue: "lamps", activityTypes: ["t", "other"] }], maxInFlight: 8 });
    const executions = Array.from({ length: 60 }, () => engine.schedule({ type: "t" }));
    await running.until(() => running.eventsOf("carrier_state").some(({ state }) => state === "open"));
    const mapped = { ...executor(web.url), activity_type: "other" };
    await engine.untilStatus(engine.schedule({ type: "other", externalExecutor: mapped }), "completed");
    // Five open it; as many more as are in flight may have been leased before that was known.
    expect(executions.filter(({ attempts }) => attempts.length > 0).length).toBeLessThanOrEqual(13);
  });

  it("that cannot be followed differs from the config's", async () => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]) });
    const externalExecutor = executor("http://lamps.example/");
    await engine.untilStatus(engine.schedule({ type: "t", externalExecutor }), "completed");
    expect(running.eventsOf("mapping_differs")).toMatchObject([{ fields: ["external_executor"] }]);
  });
});

describe("polls", () => {
  it("that bring nothing that can be read are not repeated without end", async () => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]) });
    engine.interfere = ({ verb }) => (verb === "poll" ? { status: 200, body: '{"task":{}}' } : undefined);
    await running.until(() => running.eventsOf("task_unreadable").length >= 3);
    const before = running.eventsOf("task_unreadable").length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(running.eventsOf("task_unreadable").length - before).toBeLessThan(5);
  });

  it.each([502, 504])("that a gateway answers with %i are repeated under the same id", async (status) => {
    const web = await carrier();
    await begin({ config: oneCarrier(web.url, ["t"]) });
    await engine.until(() => engine.heldPolls > 0);
    let lost: unknown;
    engine.interfere = ({ verb, body }) => {
      if (verb !== "poll" || lost !== undefined) return undefined;
      lost = body["poll_request_id"];
      return { status, body: "<html>Bad Gateway</html>" };
    };
    await engine.until(() => lost !== undefined);
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    const ids = engine.callsOf("poll").map(({ body }) => body["poll_request_id"]);
    expect(ids.filter((id) => id === lost).length).toBeGreaterThan(1);
  });

  it("for a carrier's trial do not wait for work of an empty queue", async () => {
    const port = await freePort();
    const mappingOf = (queue: string) => ({ ...base.mappings[0], name: queue, task_queue: queue });
    const base = oneCarrier(`http://127.0.0.1:${port}`, ["t"]) as { mappings: object[] };
    const config = { ...base, mappings: ["fails", "waits"].map(mappingOf) };
    const breaker = { failures: 2, firstPauseMs: 1_000, longestPauseMs: 1_000 };
    await begin({ config, breaker, pollSeconds: 60 }, { longPollMs: 60_000 });
    for (let count = 0; count < 2; count++) engine.schedule({ type: "t", taskQueue: "fails" });
    await running.until(() => running.eventsOf("carrier_state").some(({ state }) => state === "open"));
    await running.until(() => running.dispatcher.health().lanes.every(({ state }) => state === "paused"));
    // The first to try is whoever was first to wait: the queue that is empty now.
    const execution = engine.schedule({ type: "t", taskQueue: "waits" });
    await carrier(port);
    await engine.untilStatus(execution, "completed");
  });
});
