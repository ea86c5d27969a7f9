import { SINCE } from "@durable-workflow/engine-protocol";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { DONE, type ForeignCarrier, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";
import { ScriptedEngine, type ScriptedEngineOptions } from "./support/scripted-engine.js";

let engine: ScriptedEngine;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

async function begin(
  engineOptions: ScriptedEngineOptions,
  options: Omit<DispatcherOptions, "config"> = {},
  handle: ForeignHandler = () => DONE,
): Promise<void> {
  engine = new ScriptedEngine(engineOptions);
  await engine.start();
  carrier = await startForeignCarrier(handle);
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]), ...options });
}

const OLD = "1.15";
const names = (): readonly unknown[] => engine.callsOf("register").map(({ body }) => body["worker_id"]);

/** A carrier that answers when it is told to. */
function gate(): { readonly handle: ForeignHandler; readonly open: () => void; deliveries: number } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const state = {
    deliveries: 0,
    open,
    handle: async () => {
      state.deliveries++;
      await opened;
      return DONE;
    },
  };
  return state;
}

describe("a registration", () => {
  it("tells what this dispatcher can do, and what tells its process from others, in each heartbeat too", async () => {
    await begin({ heartbeatSeconds: 1 });
    await engine.until(() => engine.callsOf("worker_heartbeat").length > 0);
    const registered = engine.callsOf("register")[0]?.body ?? {};
    const unsupported = { supported: false, minimum_protocol_version: SINCE.capabilityManifest };
    expect(registered).toMatchObject({
      capabilities: [],
      capability_manifest: {
        local_activities: unsupported,
        worker_sessions: unsupported,
        sticky_execution: unsupported,
      },
      max_concurrent_workflow_tasks: 0,
      process_metrics: { process_id: process.pid, host: expect.any(String), process_started_at: expect.any(String) },
    });
    const { process_metrics: again } = engine.callsOf("worker_heartbeat")[0]?.body ?? {};
    expect(again).toEqual(registered["process_metrics"]);
  });

  it("tells older engines nothing that they do not know", async () => {
    await begin({ version: OLD, heartbeatSeconds: 1 });
    await engine.until(() => engine.callsOf("worker_heartbeat").length > 0);
    const told = [...engine.callsOf("register"), ...engine.callsOf("worker_heartbeat")].flatMap(({ body }) =>
      Object.keys(body),
    );
    for (const name of ["capability_manifest", "process_metrics", "max_concurrent_workflow_tasks", "capabilities"]) {
      expect(told).not.toContain(name);
    }
  });

  it("that was superseded goes on under another name", async () => {
    await begin({ longPollMs: 300 });
    await running.until(() => running.eventsOf("registered").length === 1);
    const [first] = names();
    engine.interfere = ({ verb, body }) =>
      body["worker_id"] === first && verb !== "register"
        ? { status: 409, body: JSON.stringify({ reason: "worker_registration_superseded" }) }
        : undefined;
    await running.until(() => running.eventsOf("worker_renamed").length === 1);
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    expect(new Set(names()).size).toBe(2);
    expect(running.eventsOf("worker_renamed")).toMatchObject([
      { previousId: first, reason: "worker_registration_superseded", lane: { workerId: `${String(first)}-2` } },
    ]);
    expect(running.dispatcher.health().lanes).toHaveLength(1);
  });

  it("that the engine has doubts about, and still knows, is kept: registering anew would take its leases away", async () => {
    await begin({ longPollMs: 300 });
    let doubts = 0;
    engine.interfere = ({ verb }) =>
      verb === "poll" && doubts++ === 0
        ? { status: 200, body: JSON.stringify({ task: null, poll_status: "stale_worker_registration" }) }
        : undefined;
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    expect(engine.callsOf("worker_heartbeat").length).toBeGreaterThan(0);
    expect(names()).toHaveLength(1);
  });

  it("that is gone while a task is in flight is made under another name, so that the task keeps its lease", async () => {
    const state = gate();
    await begin({ longPollMs: 300, leaseMs: 60_000 }, {}, state.handle);
    const activity = engine.schedule({ type: "t" });
    await running.until(() => state.deliveries === 1);
    engine.forgetWorkers();
    await running.until(() => running.eventsOf("registered").length === 2);
    state.open();
    await engine.untilStatus(activity, "completed");
    expect(activity.attempts).toHaveLength(1);
    expect(new Set(names()).size).toBe(2);
  });
});

describe("a drain", () => {
  it("of an engine that fences registrations ends held polls by ending the registration, and loses no task", async () => {
    await begin({ fencing: true, longPollMs: 30_000, noticesLeaving: false });
    await engine.until(() => engine.heldPolls === 1);
    const startedAt = awakeClock.monotonic();
    expect(await running.dispatcher.drain()).toEqual({ abandoned: 0 });
    // Well below a second on a machine that does nothing else.
    expect(awakeClock.monotonic() - startedAt).toBeLessThan(5_000);
    const [ended] = engine.callsOf("deregister");
    expect(ended).toMatchObject({
      method: "POST",
      body: { registration_token: expect.stringMatching(/^[a-f0-9]{32}$/) },
    });
    expect(engine.workerIds()).toEqual([]);
    expect(running.eventsOf("registration_lost")).toEqual([]);
  });

  it("asks for the receipt again where it is not known whether the registration has ended", async () => {
    await begin({ fencing: true, longPollMs: 30_000 });
    await engine.until(() => engine.heldPolls === 1);
    engine.interfere = ({ verb, body, path }) => {
      if (verb !== "deregister" || engine.callsOf("deregister").length > 1) return undefined;
      const worker = decodeURIComponent(path.split("/").at(-2) ?? "");
      const refusal = {
        reason: "backend_unavailable",
        operation: "deregister_worker",
        outcome: "unknown",
        worker_id: worker,
        registration_token: body["registration_token"],
        retryable: true,
        retry_after_seconds: 1,
      };
      return { status: 503, body: JSON.stringify(refusal), acts: true };
    };
    await running.dispatcher.drain();
    const ends = engine.callsOf("deregister");
    expect(ends).toHaveLength(2);
    expect(ends[1]?.body).toEqual(ends[0]?.body);
    expect(running.eventsOf("deregistered")).toHaveLength(1);
  });

  it("by a token that the engine does not know is told, and not asked again", async () => {
    await begin({ fencing: true, longPollMs: 300 });
    await engine.until(() => engine.heldPolls === 1);
    const refusal = JSON.stringify({ reason: "worker_registration_lost_authority", retryable: false });
    engine.interfere = ({ verb }) => (verb === "deregister" ? { status: 409, body: refusal } : undefined);
    await running.dispatcher.drain();
    expect(engine.callsOf("deregister")).toHaveLength(1);
    expect(running.eventsOf("engine_refused")).toMatchObject([
      { operation: "deregister", reason: "worker_registration_lost_authority" },
    ]);
  });

  it.each([
    [500, "engine_refused"],
    [502, "engine_unavailable"],
  ] as const)("is not said to have ended a registration where the engine answers %i", async (status, type) => {
    await begin({ longPollMs: 300 });
    await engine.until(() => engine.heldPolls === 1);
    const body = status === 500 ? '{"message":"Server Error"}' : "<html>";
    engine.interfere = ({ verb }) => (verb === "deregister" ? { status, body } : undefined);
    await running.dispatcher.drain();
    expect(engine.callsOf("deregister")).toHaveLength(1);
    expect(running.eventsOf("deregistered")).toEqual([]);
    expect(running.eventsOf(type)).toMatchObject([{ operation: "deregister", status, retryInMs: null }]);
  });

  it.each([404, 405])("tells no end of a registration that the engine has no route for: %i", async (status) => {
    await begin({ longPollMs: 300 });
    await engine.until(() => engine.heldPolls === 1);
    const body = '{"message":"No such route."}';
    engine.interfere = ({ verb }) => (verb === "deregister" ? { status, body } : undefined);
    await running.dispatcher.drain();
    expect(engine.callsOf("deregister")).toHaveLength(1);
    expect(running.eventsOf("deregistered")).toEqual([]);
    expect(running.eventsOf("engine_refused")).toEqual([]);
  });

  it("of an engine that does not notice who has left waits for the held poll, and a task that it brings is run", async () => {
    await begin({ longPollMs: 2_000, noticesLeaving: false }, { drainMs: 20_000 });
    await engine.until(() => engine.heldPolls === 1);
    const drained = running.dispatcher.drain();
    await engine.until(() => engine.callsOf("poll").length === 2, "the repeat");
    const activity = engine.schedule({ type: "t" });
    expect(await drained).toEqual({ abandoned: 0 });
    expect(activity.status).toBe("completed");
    expect(activity.attempts).toHaveLength(1);
    const [first, repeat] = engine.callsOf("poll");
    expect(repeat?.body["poll_request_id"]).toBe(first?.body["poll_request_id"]);
    expect(engine.callsOf("deregister")).toMatchObject([{ method: "DELETE" }]);
  });
});

describe("a poll", () => {
  it.each([
    [120, undefined, 60],
    [120, OLD, 120],
    [30, undefined, 30],
  ])("asks newer engines to be held for no more than a minute: %i s of %s", async (pollSeconds, version, asked) => {
    // The first poll of a lane is held for a part of that, by chance.
    vi.spyOn(Math, "random").mockReturnValue(1);
    onTestFinished(() => void vi.restoreAllMocks());
    await begin(version === undefined ? {} : { version }, { pollSeconds });
    await engine.until(() => engine.callsOf("poll").length > 0);
    expect(engine.callsOf("poll")[0]?.body["timeout_seconds"]).toBe(asked);
  });

  it.each([
    ["storage_pressure", { storage_state: "draining", request_admitted: false, claim_admitted: false }, false],
    [
      "storage_admission_unavailable",
      { storage_state: "fenced", request_admitted: false, claim_admitted: false },
      false,
    ],
    ["backend_unavailable", { operation: "poll_activity_task", outcome: "unknown" }, true],
  ])("that is refused by %s is sent again as it was, until it is answered", async (reason, more, acts) => {
    await begin({ longPollMs: 500 });
    let refusals = 0;
    engine.interfere = ({ verb, body }) => {
      if (verb !== "poll" || refusals >= 5) return undefined;
      refusals++;
      const { poll_request_id: id } = body;
      const same = { task: null, poll_status: reason, poll_request_id: id, retry_same_poll_request_id: true };
      return { status: 503, body: JSON.stringify({ ...same, reason, retryable: true, ...more }), acts };
    };
    const activity = engine.schedule({ type: "t" });
    await engine.untilStatus(activity, "completed");
    const polls = engine.callsOf("poll").slice(0, 6);
    expect(new Set(polls.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(carrier.received).toHaveLength(1);
    expect(activity.attempts).toHaveLength(1);
  });

  it("that finds the engine busy is made anew after what it asks for, however often", async () => {
    await begin({ longPollMs: 500 });
    const at: number[] = [];
    engine.interfere = ({ verb, body }) => {
      if (verb !== "poll" || at.length >= 4) return undefined;
      at.push(awakeClock.monotonic());
      const busy = "long_poll_capacity_exhausted";
      const refusal = { task: null, poll_status: busy, reason: busy, task_queue: body["task_queue"], retryable: true };
      return {
        status: 429,
        headers: { "retry-after": "1" },
        body: JSON.stringify({ ...refusal, retry_after_seconds: 1 }),
      };
    };
    await engine.untilStatus(engine.schedule({ type: "t" }), "completed");
    const polls = engine.callsOf("poll").slice(0, 5);
    expect(new Set(polls.map(({ body }) => body["poll_request_id"])).size).toBe(5);
    for (const [index, time] of at.entries()) if (index > 0) expect(time - (at[index - 1] ?? 0)).toBeGreaterThan(900);
  });
});

describe("an outcome", () => {
  it.each([
    ["storage_pressure", { storage_state: "draining", request_admitted: false, retry_after_seconds: 1 }, false],
    ["backend_unavailable", { operation: "complete_activity_task", outcome: "unknown", retry_after_seconds: 1 }, true],
  ])(
    "that is refused by %s is sent again, the same bytes, and the task is not delivered again",
    async (reason, more, acts) => {
      await begin({});
      let refusals = 0;
      engine.interfere = ({ verb }) =>
        verb === "complete" && refusals++ < 2
          ? { status: 503, body: JSON.stringify({ reason, retryable: true, ...more }), acts }
          : undefined;
      const activity = engine.schedule({ type: "t" });
      await running.until(() => running.eventsOf("task_ended").length === 1);
      expect(running.eventsOf("task_ended")).toMatchObject([{ end: "completed" }]);
      const sent = engine.callsOf("complete");
      expect(sent).toHaveLength(3);
      expect(new Set(sent.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(carrier.received).toHaveLength(1);
      expect(activity.outcomes).toHaveLength(1);
    },
  );
});

const EVERYWHERE = ["cluster_info", "register", "poll"] as const;

describe("a lease", () => {
  it("is renewed without a word of progress where every answer says so", async () => {
    const state = gate();
    await begin({ renewal: EVERYWHERE, leaseMs: 1_500 }, {}, state.handle);
    const activity = engine.schedule({ type: "t" });
    await engine.until(() => activity.renewals >= 3, "renewals");
    state.open();
    await engine.untilStatus(activity, "completed");
    expect(activity).toMatchObject({ heartbeats: 0, attempts: [{ number: 1 }] });
  });

  it.each([
    [["poll"]],
    [["cluster_info", "register"]],
    [["cluster_info", "poll"]],
    [["register", "poll"]],
    [[]],
  ] as const)("is kept by heartbeats where only these say so: %j", async (renewal) => {
    const state = gate();
    await begin({ renewal, leaseMs: 1_500 }, {}, state.handle);
    const activity = engine.schedule({ type: "t" });
    await engine.until(() => activity.heartbeats >= 2, "heartbeats");
    state.open();
    await engine.untilStatus(activity, "completed");
    expect(activity).toMatchObject({ renewals: 0, attempts: [{ number: 1 }] });
  });

  it("of a task with a heartbeat timeout is kept by heartbeats, which a renewal is not", async () => {
    const state = gate();
    await begin({ renewal: EVERYWHERE, leaseMs: 60_000 }, {}, state.handle);
    const activity = engine.schedule({ type: "t", heartbeatTimeoutMs: 1_000 });
    await engine.until(() => activity.heartbeats >= 2, "heartbeats");
    state.open();
    await engine.untilStatus(activity, "completed");
    expect(activity.renewals).toBe(0);
  });

  it("whose run was cancelled ends the delivery, and nothing is reported", async () => {
    let isGone = false;
    await begin({ renewal: EVERYWHERE, leaseMs: 1_500 }, {}, (_, response) => {
      response.on("close", () => {
        isGone = true;
      });
      return new Promise(() => undefined);
    });
    const activity = engine.schedule({ type: "t" });
    await running.until(() => running.eventsOf("delivery_started").length === 1);
    engine.cancel(activity);
    await running.until(() => isGone && running.eventsOf("task_ended").length === 1);
    expect(running.eventsOf("task_ended")).toMatchObject([{ end: "cancelled" }]);
    expect(engine.callsOf("complete")).toEqual([]);
  });

  it.each([
    ["renewals", EVERYWHERE],
    ["heartbeats", []],
  ] as const)(
    "kept by %s that nobody answers is lost, and nothing is said of the attempt after that",
    async (_, renewal) => {
      const state = gate();
      await begin({ renewal, leaseMs: 2_000, tellsTime: true }, {}, state.handle);
      engine.interfere = ({ verb }) =>
        ["renew-lease", "heartbeat"].includes(verb) ? { status: 503, body: "{}" } : undefined;
      engine.schedule({ type: "t" });
      await running.until(() => running.eventsOf("lease_ended").length > 0);
      state.open();
      await running.until(() => running.eventsOf("task_ended").length > 0);
      expect(running.eventsOf("task_ended")[0]).toMatchObject({
        end: "lost",
        detail: "lease_expired",
        task: { attempt: 1 },
      });
      const reported = [...engine.callsOf("complete"), ...engine.callsOf("fail")];
      const first = running.eventsOf("task_leased")[0]?.task.attemptId;
      expect(reported.filter(({ body }) => body["activity_attempt_id"] === first)).toEqual([]);
    },
  );

  it("whose renewal is answered for another attempt is not trusted any more", async () => {
    const state = gate();
    await begin({ renewal: EVERYWHERE, leaseMs: 2_000 }, {}, state.handle);
    engine.interfere = ({ verb }) =>
      verb === "renew-lease"
        ? {
            status: 200,
            body: JSON.stringify({ can_continue: true, lease_renewed: true, activity_attempt_id: "another" }),
          }
        : undefined;
    engine.schedule({ type: "t" });
    await running.until(() => running.eventsOf("lease_ended").length > 0);
    expect(running.eventsOf("lease_ended")[0]).toMatchObject({ kind: "lost", reason: "renewal_not_understood" });
    engine.interfere = () => undefined;
    state.open();
  });
});

describe("a task", () => {
  it("of a worker session is refused by name: this dispatcher keeps none", async () => {
    await begin({});
    const activity = engine.schedule({ type: "t", more: { worker_session: { session_id: "s-1", status: "active" } } });
    await engine.untilStatus(activity, "failed");
    expect(activity.outcomes[0]?.body["failure"]).toMatchObject({
      type: "WorkerSessionUnsupported",
      kind: "application",
      message: expect.stringContaining("worker session"),
    });
    expect(carrier.received).toEqual([]);
  });

  it("carries the engine's trace context into the headers of its envelope", async () => {
    await begin({});
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const context = {
      schema: "durable-workflow.trace-context",
      version: 1,
      carrier: { traceparent, tracestate: "lamps=7", baggage: "left=out" },
    };
    await engine.untilStatus(engine.schedule({ type: "t", more: { observability_context: context } }), "completed");
    const bad = { ...context, carrier: { traceparent: "no" } };
    await engine.untilStatus(engine.schedule({ type: "t", more: { observability_context: bad } }), "completed");
    const [good, other] = carrier.received.map(({ envelope }) => envelope["headers"] as Record<string, string>);
    expect(good).toMatchObject({ traceparent, tracestate: "lamps=7" });
    expect(good).not.toHaveProperty("baggage");
    expect(other?.["traceparent"]).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
    expect(other).not.toHaveProperty("tracestate");
  });
});
