import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import {
  type Activity,
  type ActivitySpec,
  completes,
  type EngineOptions,
  type EngineUnderTest,
} from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import { DONE, type ForeignCarrier, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";

let makeEngine: (options?: EngineOptions) => EngineUnderTest;
let engine: EngineUnderTest;
const carriers: ForeignCarrier[] = [];
let running: Running;

async function carrier(handle?: ForeignHandler, port?: number): Promise<ForeignCarrier> {
  const started = await startForeignCarrier(handle, port);
  carriers.push(started);
  return started;
}

async function begin(options: DispatcherOptions, engineOptions: EngineOptions = {}): Promise<void> {
  engine = makeEngine(engineOptions);
  await engine.start();
  running = await startDispatcher(engine, options);
}

/** Starts so many activities alike. */
async function start(count: number, spec: ActivitySpec): Promise<readonly Activity[]> {
  const started: Activity[] = [];
  for (let left = count; left > 0; left--) started.push(await engine.schedule(spec));
  return started;
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

describe.each(ENGINES)("on $name,", ({ make }) => {
  beforeEach(() => {
    makeEngine = make;
  });

  describe("limits", () => {
    it("hold for tasks in flight, and no more is leased than there are slots", async () => {
      const { handle, release, state } = gate();
      const web = await carrier(handle);
      await begin({ config: oneCarrier(web.url, ["lamps.dim"]), maxInFlight: 5 });
      const executions = await start(30, { type: "lamps.dim" });
      await running.until(() => state.atOnce === 5);
      await running.until(() => running.dispatcher.health().lanes[0]?.state === "full");
      await engine.refresh();
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
      const stuck = await start(20, { type: "slow.work" });
      await running.until(() => slow.received.length === 3);
      const quick = await start(20, { type: "fast.work" });
      await engine.until(() => quick.every(({ status }) => status === "completed"));
      await engine.refresh();
      expect(stuck.filter(({ status }) => status === "running")).toHaveLength(3);
      release();
      await engine.until(() => stuck.every(({ status }) => status === "completed"));
    });

    it("that are fewer than queues of a carrier go round", async () => {
      const web = await carrier();
      const config = { ...oneCarrier(web.url, []), mappings: [1, 2, 3].map(queueMapping) };
      await begin({ config, maxInFlight: 1 }, { longPollMs: 60_000 });
      await engine.until(() => engine.heldPolls > 0);
      for (const queue of [3, 1, 2]) {
        await completes(engine, { type: "t", taskQueue: `q${queue}` });
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
      let most = 0;
      engine.interfere = ({ verb }) => {
        if (verb === "poll") most = Math.max(most, engine.heldPolls + 1);
        return undefined;
      };
      const starting = Array.from({ length: 60 }, async () => engine.schedule({ type: "t" }));
      const executions = await Promise.all(starting);
      await engine.until(() => executions.every(({ status }) => status === "completed"));
      expect(most).toBeGreaterThan(1);
      await engine.until(() => engine.heldPolls === 1, "one held poll");
    });

    it("whose answer is lost are repeated under the same id, and the task that was leased is found", async () => {
      const web = await carrier();
      engine = makeEngine();
      await engine.start();
      const execution = await engine.schedule({ type: "t" });
      // The engine leases; the answer that says so is cut off on the way.
      let lost = false;
      engine.interfere = ({ verb }) => {
        if (verb !== "poll" || lost) return undefined;
        lost = true;
        return { status: 200, body: '{"task": {"task_', headers: {}, acts: true };
      };
      running = await startDispatcher(engine, { config: oneCarrier(web.url, ["t"]) });
      await engine.untilStatus(execution, "completed");
      const ids = engine.callsOf("poll").map(({ body }) => body["poll_request_id"]);
      expect(ids[1]).toBe(ids[0]);
      expect(new Set(ids).size).toBe(ids.length - 1);
      expect(execution.attempts).toHaveLength(1);
      expect(web.received).toHaveLength(1);
    });

    it("that fail together leave one that goes on when the engine is back", async () => {
      const web = await carrier();
      engine = makeEngine();
      await engine.start();
      const executions = await start(60, { type: "t" });
      let polls = 0;
      engine.interfere = ({ verb }) => {
        if (verb !== "poll") return undefined;
        polls++;
        return polls > 4 && polls <= 8 ? { status: 503, body: "{}" } : undefined;
      };
      running = await startDispatcher(engine, { config: oneCarrier(web.url, ["t"]), maxPolls: 4 });
      await engine.until(() => executions.every(({ status }) => status === "completed"));
      expect(polls).toBeGreaterThan(8);
    });

    it("serve several queues and namespaces in one process", async () => {
      const web = await carrier();
      const config = { ...oneCarrier(web.url, ["t"]), defaults: { task_queue: "lamps" } };
      await begin({ config, queues: [{ taskQueue: "lamps" }, { taskQueue: "lamps", namespace: "attic" }] });
      const both = [await engine.schedule({ type: "t" }), await engine.schedule({ type: "t", namespace: "attic" })];
      await engine.until(() => both.every(({ status }) => status === "completed"));
      expect(running.dispatcher.health().lanes.map(({ namespace }) => namespace)).toEqual(["default", "attic"]);
      for (const [index, namespace] of ["default", "attic"].entries()) {
        expect(await engine.list(namespace)).toMatchObject([{ id: both[index]?.id, status: "completed" }]);
      }
    });
  });

  describe("a dead carrier", () => {
    const breaker = { failures: 3, firstPauseMs: 100, longestPauseMs: 200 };

    it("has nothing leased for it, so that attempts are not burnt, and is tried again when it is back", async () => {
      const web = await carrier();
      const { port } = web;
      await web.close();
      await begin({ config: oneCarrier(web.url, ["t"]), breaker, maxInFlight: 2 });
      const executions = await start(20, { type: "t", maxAttempts: 1 });
      await running.until(() => running.eventsOf("carrier_state").some(({ state }) => state === "open"));
      await running.until(() => running.dispatcher.health().lanes[0]?.state === "paused");
      await engine.refresh();
      const held = executions.filter(({ attempts }) => attempts.length > 0).length;
      expect(held).toBeLessThanOrEqual(2);
      expect(running.dispatcher.health().ready).toBe(false);
      // Several probes later it is still so: a probe costs no task.
      await new Promise((resolve) => setTimeout(resolve, 700));
      await engine.refresh();
      expect(executions.filter(({ attempts }) => attempts.length > 0)).toHaveLength(held);
      await carrier(undefined, port);
      // Those that were held have spent no attempt either, though they have but one.
      await engine.until(() => executions.every(({ status }) => status === "completed"));
      expect(running.dispatcher.health()).toMatchObject({
        ready: true,
        carriers: [{ carrier: "web", state: "closed" }],
      });
    });

    it("does not stop the others", async () => {
      const [dead, fast] = [await carrier(), await carrier()];
      await dead.close();
      // What is held for the dead one is not waited for.
      await begin({ config: twoCarriers(dead.url, fast.url), breaker, drainMs: 500 });
      for (let count = 0; count < 10; count++) await engine.schedule({ type: "slow.work" });
      await running.until(() => running.eventsOf("carrier_state").some(({ state }) => state === "open"));
      await completes(engine, { type: "fast.work" });
    });
  });
});
