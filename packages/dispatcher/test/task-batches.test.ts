import { until } from "@durable-workflow/test-support/patience";
import { afterEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import type { Activity, EngineCall, InsteadOfAnswer } from "./support/engine-under-test.js";
import { DONE, type ForeignCarrier, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { RealEngine } from "./support/real-engine.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { ScriptedEngine } from "./support/scripted-engine.js";

/** The dispatcher with an engine that hands out several tasks in one answer, and takes several reports in one request. */

const COUNT = 120;
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function begin(
  handle: ForeignHandler,
  options: DispatcherOptions = {},
): Promise<{ engine: RealEngine; carrier: ForeignCarrier; dispatch: (more?: DispatcherOptions) => Promise<Running> }> {
  const carrier = await startForeignCarrier(handle);
  endings.push(() => carrier.close());
  const engine = new RealEngine({ longPollMs: 1_000 });
  await engine.start();
  endings.push(() => engine.stop());
  const dispatch = async (more: DispatcherOptions = {}): Promise<Running> => {
    const running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]), ...options, ...more });
    endings.push(() => running.dispatcher.drain());
    return running;
  };
  return { engine, carrier, dispatch };
}

async function start(engine: RealEngine, count: number): Promise<readonly Activity[]> {
  return Promise.all(Array.from({ length: count }, () => engine.schedule({ type: "t" })));
}

async function untilCompleted(engine: RealEngine, activities: readonly Activity[]): Promise<void> {
  await engine.until(() => activities.every(({ status }) => status === "completed"), "the end of all");
  // Each once, whatever was lost on the way.
  for (const { attempts, outcomes } of activities) {
    expect(attempts).toHaveLength(1);
    expect(outcomes.map(({ verb }) => verb)).toContain("complete");
  }
}

const askedFor = ({ body }: EngineCall): number => Number(body["max_tasks"] ?? 1);
const reportsIn = ({ body }: EngineCall): number => (body["reports"] as readonly unknown[]).length;

it("needs fewer polls and reports than there are tasks", async () => {
  // All answers come at once, once all tasks are there: how many go into a request is not how fast the machine is.
  const answers: (() => void)[] = [];
  const { engine, carrier, dispatch } = await begin(() => new Promise((resolve) => answers.push(() => resolve(DONE))));
  const activities = await start(engine, COUNT);
  const running = await dispatch({ maxInFlight: COUNT + 10 });
  await running.until(() => answers.length === COUNT, "all of them in flight");
  for (const answer of answers) answer();
  await untilCompleted(engine, activities);
  expect(carrier.received).toHaveLength(COUNT);
  const polls = engine.callsOf("poll");
  expect(polls.length).toBeLessThan(COUNT / 2);
  expect(Math.max(...polls.map(askedFor))).toBeGreaterThan(10);
  const reports = engine.callsOf("reports");
  const told = reports.reduce((sum, call) => sum + reportsIn(call), 0);
  expect(reports.length).toBeGreaterThan(0);
  expect(reports.length + engine.callsOf("complete").length).toBeLessThan(COUNT / 2);
  expect(told + engine.callsOf("complete").length).toBe(COUNT);
  await running.until(() => running.eventsOf("task_ended").length >= COUNT, "the ends");
  expect(running.eventsOf("task_ended").map(({ end }) => end)).toEqual(Array(COUNT).fill("completed"));
  expect(running.eventsOf("report_retried")).toEqual([]);
});

it("asks for no more than there are free slots, and begins with what it is given", async () => {
  let atOnce = 0;
  let most = 0;
  const { engine, dispatch } = await begin(async () => {
    most = Math.max(most, ++atOnce);
    // The first ones stay until all slots are taken, however slow the machine is.
    await until(() => most >= 7, "seven at once", 5);
    await new Promise((resolve) => setTimeout(resolve, 5));
    atOnce--;
    return DONE;
  });
  const activities = await start(engine, 60);
  const running = await dispatch({ maxInFlight: 7 });
  let begun = 0;
  let leased = 0;
  running.dispatcher.events.on(({ type }) => {
    if (type === "task_leased") leased++;
    if (type === "delivery_started") begun++;
    if (type === "polled") expect(leased - begun).toBe(0);
  });
  await untilCompleted(engine, activities);
  expect(most).toBe(7);
  expect(Math.max(...engine.callsOf("poll").map(askedFor))).toBeLessThanOrEqual(7);
});

it("asks for one task where there is no work, and holds one slot for it", async () => {
  const { engine, dispatch } = await begin(() => DONE);
  const running = await dispatch({ pollSeconds: 30 });
  await engine.until(() => engine.heldPolls === 1);
  const activities = await start(engine, 30);
  await untilCompleted(engine, activities);
  await engine.until(() => {
    const last = engine.callsOf("poll").at(-1);
    return engine.heldPolls === 1 && last !== undefined && askedFor(last) === 1;
  }, "a single poll for a single task");
  expect(running.dispatcher.health().carriers).toMatchObject([{ slots: 1 }]);
});

it("leaves slots that it only waits with to another queue that has work", async () => {
  const release: (() => void)[] = [];
  const { engine, carrier, dispatch } = await begin(() => new Promise((resolve) => release.push(() => resolve(DONE))));
  const mapping = (queue: string) => ({
    name: queue,
    kind: "activity",
    task_queue: queue,
    activity_type: "t",
    carrier: "web",
    handler: "t",
  });
  const config = { ...oneCarrier(carrier.url, []), mappings: [mapping("lamps"), mapping("stairs")] };
  const queues = [{ taskQueue: "lamps" }, { taskQueue: "stairs" }];
  const running = await dispatch({ config, queues, maxInFlight: 10, pollSeconds: 30 });
  const first = await Promise.all(Array.from({ length: 6 }, () => engine.schedule({ type: "t" })));
  await running.until(() => release.length === 6, "six of the first queue");
  for (const done of release.splice(0)) done();
  await untilCompleted(engine, first);
  // The polls of the first queue have just had work, and wait with slots.
  const second = await Promise.all(
    Array.from({ length: 9 }, () => engine.schedule({ type: "t", taskQueue: "stairs" })),
  );
  await running.until(() => release.length === 9, "nine of the second queue");
  for (const done of release.splice(0)) done();
  await untilCompleted(engine, second);
});

it("divides what waits with another dispatcher", async () => {
  // None ends before both have all that they may have at once, as long as there is so much.
  let received = 0;
  const waiting: (() => void)[] = [];
  const { engine, dispatch } = await begin(
    () =>
      new Promise((resolve) => {
        waiting.push(() => resolve(DONE));
        if (++received <= 96 && waiting.length < 16) return;
        for (const answer of waiting.splice(0)) answer();
      }),
  );
  const both = [await dispatch({ maxInFlight: 8 }), await dispatch({ maxInFlight: 8 })];
  const activities = await start(engine, 100);
  await untilCompleted(engine, activities);
  const shares = both.map((running) => running.eventsOf("task_leased").length);
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(48);
});

describe("a request with several reports", () => {
  const lost = (status: number, acts: boolean): InsteadOfAnswer => ({ status, body: "<html>", acts });
  it.each([
    ["is answered by a gateway, after the engine has acted", lost(502, true)],
    ["is answered by a gateway, before the engine has", lost(502, false)],
    ["fails in the engine", { status: 500, body: '{"message":"Server Error"}' }],
    ["is too large for a proxy", lost(413, false)],
    ["is not known to what is on the way", { status: 404, body: '{"reason":"not_found"}' }],
    ["is not let through", { status: 403, body: "no" }],
    ["comes too often", { status: 429, headers: { "retry-after": "0" }, body: "{}" }],
    ["is answered with something else", { status: 200, body: '{"reports":[]}' }],
  ])("that %s costs no outcome", async (_, instead) => {
    const { engine, dispatch } = await begin(() => DONE);
    const activities = await start(engine, COUNT);
    let broken = 0;
    engine.interfere = ({ verb }) => (verb === "reports" && broken++ < 3 ? instead : undefined);
    const running = await dispatch();
    await untilCompleted(engine, activities);
    expect(broken).toBeGreaterThan(0);
    await running.until(() => running.eventsOf("task_ended").length === COUNT);
    expect(running.eventsOf("task_ended").map(({ end }) => end)).toEqual(Array(COUNT).fill("completed"));
    expect(running.eventsOf("report_rejected")).toEqual([]);
  });
});

it("repeats a poll whose answer is lost, and runs all that it had brought", async () => {
  const { engine, dispatch } = await begin(() => DONE);
  const activities = await start(engine, COUNT);
  let lostTasks = 0;
  engine.interfere = (call) => {
    if (call.verb !== "poll" || askedFor(call) < 8 || lostTasks > 0) return undefined;
    lostTasks = askedFor(call);
    return { status: 502, body: "<html>", acts: true };
  };
  await dispatch();
  await untilCompleted(engine, activities);
  expect(lostTasks).toBeGreaterThanOrEqual(8);
});

it("asks an engine that says nothing of it for one task, and tells it one outcome, at a time", async () => {
  const carrier = await startForeignCarrier(() => DONE);
  endings.push(() => carrier.close());
  const engine = new ScriptedEngine();
  await engine.start();
  endings.push(() => engine.stop());
  const executions = Array.from({ length: 40 }, () => engine.schedule({ type: "t" }));
  const running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]) });
  endings.push(() => running.dispatcher.drain());
  await engine.until(() => executions.every(({ status }) => status === "completed"));
  expect(new Set(engine.callsOf("poll").map(({ body }) => Object.keys(body).join()))).toEqual(
    new Set(["worker_id,task_queue,poll_request_id,timeout_seconds"]),
  );
  expect(engine.callsOf("complete")).toHaveLength(40);
  expect(engine.callsOf("reports")).toEqual([]);
});
