import { beforeEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { completes as completesOn, type EngineCall, type EngineUnderTest } from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";

let makeEngine: () => EngineUnderTest;
let engine: EngineUnderTest;
let carrier: ForeignCarrier;
let running: Running;

async function begin(options: DispatcherOptions = {}): Promise<void> {
  engine = makeEngine();
  await engine.start();
  carrier = await startForeignCarrier();
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]), ...options });
}

endAfterEach(() => ({ engine, carrier, running }));

/** Answers the next request of a kind with this, once. */
function once(verb: string, status: number, body: object): () => boolean {
  let done = false;
  engine.interfere = (call: EngineCall) => {
    if (done || call.verb !== verb) return undefined;
    done = true;
    return { status, body: JSON.stringify(body) };
  };
  return () => done;
}

const completes = () => completesOn(engine, { type: "t" });

describe.each(ENGINES)("an engine that is $name", ({ make }) => {
  beforeEach(() => {
    makeEngine = make;
  });

  it("that forgot a registration says so to the worker's heartbeat, and gets it again", async () => {
    await begin({ workerHeartbeatMs: 50 });
    await engine.until(() => engine.callsOf("worker_heartbeat").length > 1);
    await engine.forgetWorkers();
    await engine.until(async () => (await engine.workerIds()).length === 1);
    expect(running.eventsOf("registration_lost")[0]).toMatchObject({ reason: "worker_not_registered" });
    await completes();
  });

  it("that says a queue or build does not match is registered with again", async () => {
    await begin();
    await completes();
    once("poll", 409, { reason: "build_id_mismatch", error: "mismatch" });
    await completes();
    await running.until(() => running.eventsOf("registered").length === 2);
    expect(running.eventsOf("registration_lost")).toMatchObject([{ reason: "build_id_mismatch" }]);
  });

  it("that knows no activity types of ours is told them again", async () => {
    await begin();
    await completes();
    once("poll", 200, { task: null, poll_status: "no_activity_capability" });
    await completes();
    await running.until(() => running.eventsOf("registered").length === 2);
  });

  it("that drains this worker is left alone, and readiness says so", async () => {
    await begin();
    await completes();
    const drained = once("poll", 409, { reason: "worker_draining", poll_status: "draining" });
    await running.until(drained);
    await running.until(() => running.dispatcher.health().lanes[0]?.state === "waiting");
    expect(running.dispatcher.health().ready).toBe(false);
  });

  it("that throttles is asked again", async () => {
    await begin();
    await completes();
    const throttled = once("poll", 200, { task: null, poll_status: "throttled", retry_after_seconds: 0 });
    await running.until(throttled);
    await completes();
    expect(running.eventsOf("engine_unavailable")).toMatchObject([{ why: "throttled" }]);
  });

  it("that hands out a task that cannot be read hears of it, so that it is not handed out for ever", async () => {
    await begin();
    await completes();
    const task = { task_id: "t-1", activity_attempt_id: "A-1", lease_owner: "w", attempt_number: 0 };
    once("poll", 200, { task });
    await engine.until(() => engine.callsOf("fail").length === 1);
    expect(engine.callsOf("fail")[0]).toMatchObject({
      path: "/api/worker/activity-tasks/t-1/fail",
      body: {
        activity_attempt_id: "A-1",
        failure: { type: "UnreadableTask", non_retryable: true, details: null },
      },
    });
    expect(running.eventsOf("task_unreadable")).toMatchObject([
      { taskId: "t-1", problem: "attempt_number must be an integer >= 1" },
    ]);
    await completes();
  });

  it("that wants a running activity to stop, but not its run, hears that it has", async () => {
    await begin();
    const held = await startForeignCarrier((_, answer) => void answer.once("close", () => undefined));
    await running.dispatcher.drain();
    running = await startDispatcher(engine, { config: oneCarrier(held.url, ["t"]) });
    const stop = JSON.stringify({ can_continue: false, cancel_requested: true, reason: "activity_cancelled" });
    engine.interfere = ({ verb }) => (verb === "heartbeat" ? { status: 200, body: stop } : undefined);
    const execution = await engine.schedule({ type: "t", heartbeatTimeoutMs: 3_000 });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({ kind: "cancellation", cancelled: true });
    await running.until(() => running.eventsOf("task_ended").length === 1);
    expect(running.eventsOf("task_ended")).toMatchObject([{ end: "cancelled", detail: "activity_cancelled" }]);
    await held.close();
  });
});
