import { awakeClock } from "@durable-workflow/test-support/clock";
import { describe, expect, it } from "vitest";
import { serveHealth } from "../src/service/health-server.js";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";
import { ScriptedEngine, type ScriptedEngineOptions } from "./support/scripted-engine.js";

let engine: ScriptedEngine;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

async function begin(options: ScriptedEngineOptions): Promise<void> {
  engine = new ScriptedEngine(options);
  await engine.start();
  carrier = await startForeignCarrier();
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]) });
}

const HOUR = 3_600_000;

describe("a proxy before the engine whose Date is an hour ahead, where a lease lasts five minutes,", () => {
  it.each<[string, ScriptedEngineOptions, { startToCloseMs?: number }]>([
    ["does not matter where the engine says its own time", { tellsTime: true, version: "1.20", skewMs: -2 * HOUR }, {}],
    ["does not matter where the task's deadlines say when it began", { skewMs: -2 * HOUR }, { startToCloseMs: 60_000 }],
    ["does not matter where this machine's clock is right", {}, {}],
    ["does not matter where no clock is right", { skewMs: -2 * HOUR }, {}],
  ])("%s", async (_, options, spec) => {
    await begin({ ...options, headerSkewMs: HOUR });
    for (let count = 0; count < 5; count++) {
      const execution = engine.schedule({ type: "t", ...spec });
      await engine.untilStatus(execution, "completed");
      expect(execution.attempts).toHaveLength(1);
    }
    expect(running.eventsOf("leases_expired")).toEqual([]);
  });
});

it("leases that are over as they come are not leased without end, and that is told", async () => {
  // The engine says so itself, so that there is nothing to believe instead.
  await begin({ leasesAreOver: true, tellsTime: true, leaseMs: 1 });
  const execution = engine.schedule({ type: "t" });
  await running.until(() => running.eventsOf("leases_expired").length >= 4);
  expect(execution.attempts.length).toBeLessThan(12);
  const waits = running.eventsOf("leases_expired").map(({ retryInMs }) => retryInMs);
  expect(waits[3]).toBeGreaterThan(2 * (waits[0] ?? 0));
  expect(carrier.received).toEqual([]);
  const server = await serveHealth(running.dispatcher);
  try {
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ lanes: [{ state: "expired" }] });
  } finally {
    await server.close();
  }
});

describe("a registration that the engine takes for stale", () => {
  it.each<[string, number, object]>([
    ["by the word of a poll that ends at once", 200, { task: null, poll_status: "stale_worker_registration" }],
    ["by refusing polls", 409, { reason: "stale_worker_registration" }],
    ["by refusing polls with another status", 403, { reason: "worker_registration_stale" }],
  ])("%s is renewed, which is told", async (_, status, body) => {
    await begin({ longPollMs: 300 });
    let registrations = 0;
    engine.interfere = ({ verb }) => {
      if (verb === "register") registrations++;
      return verb === "poll" && registrations < 2 ? { status, body: JSON.stringify(body) } : undefined;
    };
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    expect(running.eventsOf("registration_lost")).toMatchObject([{ reason: expect.stringContaining("stale") }]);
    expect(running.eventsOf("registered")).toHaveLength(2);
  });

  it("for one heartbeat that failed is renewed by another one, long before the next is due", async () => {
    engine = new ScriptedEngine({ longPollMs: 300 });
    await engine.start();
    carrier = await startForeignCarrier();
    let stale = false;
    const heardAt: number[] = [];
    engine.interfere = ({ verb }) => {
      if (verb === "worker_heartbeat") {
        heardAt.push(awakeClock.monotonic());
        const fails = heardAt.length === 1;
        stale = fails;
        return fails ? { status: 503, headers: { "retry-after": "1" }, body: "{}" } : undefined;
      }
      return verb === "poll" && stale
        ? { status: 200, body: '{"task":null,"poll_status":"some_new_word"}' }
        : undefined;
    };
    const workerHeartbeatMs = 4_000;
    running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]), workerHeartbeatMs });
    await running.until(() => heardAt.length === 2);
    const [first = 0, second = 0] = heardAt;
    expect(second - first).toBeLessThan(workerHeartbeatMs);
    expect(running.eventsOf("engine_unavailable").map(({ operation }) => operation)).toContain("worker_heartbeat");
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
  });
});
