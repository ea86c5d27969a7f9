import { expect, it } from "vitest";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";
import { ScriptedEngine } from "./support/scripted-engine.js";

let engine: ScriptedEngine;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

it("an engine that takes heartbeats, but no outcome for longer than a lease, loses nothing and has nothing run twice", async () => {
  engine = new ScriptedEngine({ leaseMs: 1_500 });
  await engine.start();
  carrier = await startForeignCarrier();
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]) });
  const body = JSON.stringify({ reason: "external_payload_storage_unavailable" });
  let heartbeats = 0;
  engine.interfere = ({ verb }) => {
    if (verb === "heartbeat") heartbeats++;
    return verb === "complete" && heartbeats < 6 ? { status: 503, body } : undefined;
  };
  const execution = engine.schedule({ type: "t" });
  await engine.untilStatus(execution, "completed");
  expect(execution.attempts).toHaveLength(1);
  expect(carrier.received).toHaveLength(1);
  await running.until(() => running.eventsOf("task_ended").length === 1);
  expect(running.eventsOf("task_ended")).toMatchObject([{ end: "completed" }]);
});

it("a heartbeat that finds its own outcome recorded does not make it somebody else's", async () => {
  engine = new ScriptedEngine({ leaseMs: 1_500 });
  await engine.start();
  carrier = await startForeignCarrier();
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]) });
  let stops = 0;
  engine.interfere = ({ verb }) => {
    const body = JSON.stringify({ can_continue: false, reason: "attempt_closed" });
    if (verb === "heartbeat") {
      stops++;
      return { status: 200, body };
    }
    return verb === "complete" && stops === 0 ? { status: 503, body: "{}" } : undefined;
  };
  await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
  await running.until(() => running.eventsOf("task_ended").length === 1);
  expect(running.eventsOf("task_ended")).toMatchObject([{ end: "completed" }]);
  expect(running.eventsOf("lease_ended")).toEqual([]);
});
