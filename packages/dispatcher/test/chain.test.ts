import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ActivityFailure,
  defineActivity,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
  isActivityCancelled,
  isCallerDisconnected,
  isExternalTaskDeadlineExceeded,
  NonRetryableError,
} from "@durable-workflow/carrier";
import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { byExecution, idempotent, MemoryIdempotencyStore } from "@durable-workflow/carrier/idempotency";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { externalStorage } from "@durable-workflow/carrier/storage";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { freePort, type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { type EngineOptions, WORKER_TOKEN } from "./support/engine-under-test.js";
import { RealEngine } from "./support/real-engine.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";

// The whole chain, all of it this repository's own: the local engine, the dispatcher and a carrier.

type Activities = ConstructorParameters<typeof InvocableActivityHandler>[0];

let engine: RealEngine;
const dispatchers: Running[] = [];
const servers: Loopback[] = [];

async function startEngine(options: EngineOptions = {}): Promise<void> {
  engine = new RealEngine(options);
  await engine.start();
}

/** At a port that stays its own: tests start carriers again. */
async function serve(handler: InvocableActivityHandler, port?: number): Promise<Loopback> {
  const server = await listen(createServer(nodeInvocableActivityHandler(handler)), port ?? (await freePort()));
  servers.push(server);
  return server;
}

async function dispatch(url: string, options: DispatcherOptions = {}): Promise<Running> {
  const running = await startDispatcher(engine, { config: oneCarrier(url, ["work"]), ...options });
  dispatchers.push(running);
  return running;
}

/** A carrier of these activities, and a dispatcher that delivers to it. */
async function chain(
  activities: Activities,
  options: InvocableActivityHandlerOptions = {},
): Promise<{ readonly handler: InvocableActivityHandler; readonly server: Loopback; readonly running: Running }> {
  const handler = new InvocableActivityHandler(activities, options);
  const server = await serve(handler);
  return { handler, server, running: await dispatch(server.url) };
}

/** The option that lets `context.heartbeat` reach the engine. */
const heartbeat = () => engineHeartbeats({ serverUrl: engine.url, token: WORKER_TOKEN });

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });

afterEach(async () => {
  await Promise.all(dispatchers.splice(0).map(({ dispatcher }) => dispatcher.drain()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await engine.stop();
});

describe("an activity", () => {
  it("gets its arguments, and its value is the result", async () => {
    await startEngine();
    await chain([
      defineActivity({ name: "work", run: ({ info }, name: string, n: number) => [name, n, info.attempt, 7n] }),
    ]);
    const activity = await engine.schedule({ type: "work", arguments: { ...payloadEnvelope(["Ada", 2.5]) } });
    await engine.untilStatus(activity, "completed");
    expect(decodePayload((await engine.describe(activity)).result)).toEqual(["Ada", 2.5, 1, 7]);
  });

  it("tells the engine how far it got, and lives longer than its heartbeat timeout", async () => {
    await startEngine();
    const work = defineActivity({
      name: "work",
      run: async (context) => {
        for (let current = 1; current <= 12; current++) {
          context.heartbeat({ current, total: 12, unit: "lamps" });
          await sleep(250);
        }
        return "lit";
      },
    });
    await chain([work], { heartbeat: heartbeat() });
    const activity = await engine.schedule({ type: "work", heartbeatTimeoutMs: 2_000 });
    await engine.untilStatus(activity, "completed");
    expect(activity.attempts).toHaveLength(1);
    const events = await engine.history(activity);
    const told = events.flatMap(({ event_type: type, payload }) =>
      type === "ActivityHeartbeatRecorded" && payload.progress !== undefined ? [payload.progress] : [],
    );
    expect(told[0]).toMatchObject({ current: 1, total: 12, unit: "lamps" });
    expect(told.at(-1).current).toBeGreaterThan(5);
  });

  it("that outlives its deadline is stopped, tried again, and times out", async () => {
    await startEngine();
    const reasons: unknown[] = [];
    const { running } = await chain([
      defineActivity({
        name: "work",
        run: async ({ signal }) => {
          reasons.push(await aborted(signal));
          signal.throwIfAborted();
        },
      }),
    ]);
    const activity = await engine.schedule({ type: "work", maxAttempts: 2, startToCloseMs: 1_000 });
    await engine.untilStatus(activity, "failed");
    await running.until(() => reasons.length === 2 && running.eventsOf("task_ended").length === 2);
    for (const reason of reasons)
      expect(isExternalTaskDeadlineExceeded(reason) || isCallerDisconnected(reason)).toBe(true);
    expect(await engine.describe(activity)).toMatchObject({ attempt_count: 2 });
  });

  it.each([
    ["is tried again until the attempts are used up", new Error("the lamp is broken"), [true, true, false]],
    ["is not tried again where its failure says so", new NonRetryableError("there is no lamp"), [false]],
    ["is not tried again after a failure of a type that its policy names", new RangeError("lamp 9"), [false]],
  ])("%s, and the event of each failure says which", async (_, error, told) => {
    await startEngine();
    const { running } = await chain({
      work: () => {
        throw error;
      },
    });
    const policy = { max_attempts: 3, backoff_seconds: [0], non_retryable_error_types: ["RangeError"] };
    const activity = await engine.schedule({ type: "work", request: { retry_policy: policy } });
    await engine.untilStatus(activity, "failed");
    await running.until(() => running.eventsOf("task_ended").length === told.length);
    expect(activity.attempts).toHaveLength(told.length);
    expect(running.eventsOf("task_ended").map(({ willRetry }) => willRetry)).toEqual(told);
  });

  it("is not tried again past schedule_to_close", async () => {
    await startEngine();
    let runs = 0;
    await chain({
      work: () => {
        runs++;
        throw new Error("the lamp is broken");
      },
    });
    const activity = await engine.schedule({
      type: "work",
      maxAttempts: 100,
      backoffMs: 1_000,
      request: { schedule_to_close_timeout_seconds: 2 },
    });
    await engine.untilStatus(activity, "failed");
    expect(await engine.describe(activity)).toMatchObject({
      closed_reason: "timed_out",
      failure: { timeout_type: "schedule_to_close" },
    });
    expect(runs).toBe(2);
  });
});

describe("a run that is stopped", () => {
  it.each(["cancel", "terminate"] as const)("with %s ends its handler's signal, and nothing counts", async (verb) => {
    await startEngine({ leaseMs: 2_000 });
    let reason: unknown;
    let started = false;
    const { running } = await chain([
      defineActivity({
        name: "work",
        run: async ({ signal }) => {
          started = true;
          reason = await aborted(signal);
          return "too late";
        },
      }),
    ]);
    const activity = await engine.schedule({ type: "work" });
    await engine.until(() => started);
    await engine[verb](activity);
    await running.until(() => reason !== undefined);
    expect(isCallerDisconnected(reason)).toBe(true);
    await running.until(() => running.eventsOf("task_ended").length === 1);
    await engine.refresh();
    expect(activity).toMatchObject({ status: verb === "cancel" ? "cancelled" : "terminated", outcomes: [] });
  });

  it("is heard of by the handler's own heartbeats, long before the dispatcher asks", async () => {
    await startEngine();
    let reason: unknown;
    let goOn: (() => void) | undefined;
    const work = defineActivity({
      name: "work",
      run: async (context) => {
        await new Promise<void>((resolve) => (goOn = resolve));
        context.heartbeat();
        reason = await aborted(context.signal);
        context.signal.throwIfAborted();
      },
    });
    const { running } = await chain([work], { heartbeat: heartbeat() });
    // The dispatcher's own heartbeats come every 100 s.
    const activity = await engine.schedule({ type: "work" });
    await engine.until(() => goOn !== undefined);
    await engine.cancel(activity);
    goOn?.();
    await running.until(() => reason !== undefined);
    expect(isActivityCancelled(reason)).toBe(true);
    await running.until(() => running.eventsOf("task_ended").length === 1);
    expect(running.eventsOf("task_ended")).toMatchObject([{ end: "cancelled", detail: "run_cancelled" }]);
    await engine.refresh();
    expect(activity).toMatchObject({ status: "cancelled", outcomes: [] });
    expect(engine.callsOf("complete")).toEqual([]);
  });
});

describe("a carrier", () => {
  it("that shuts down leads to a retry on the next one", async () => {
    await startEngine();
    let started = false;
    const { handler, server } = await chain({
      work: async () => {
        started = true;
        await new Promise(() => undefined);
      },
    });
    const activity = await engine.schedule({ type: "work", maxAttempts: 50, backoffMs: 1_000 });
    await engine.until(() => started);
    await handler.shutdown({ graceMs: 0 });
    await engine.until(() => activity.outcomes.length > 0);
    await server.close();
    await serve(new InvocableActivityHandler({ work: () => "done" }), server.port);
    await engine.untilStatus(activity, "completed");
    const { attempts, result } = await engine.describe(activity);
    expect(attempts[0].failure).toMatchObject({ type: "CarrierShutdown", non_retryable: false });
    expect(decodePayload(result)).toBe("done");
  });

  it("that dies costs no attempt: what it had is delivered once more, as soon as it is back", async () => {
    await startEngine();
    let runs = 0;
    const { server, running } = await chain({
      work: async () => {
        if (++runs === 1) await new Promise(() => undefined);
        return "done";
      },
    });
    const activity = await engine.schedule({ type: "work" });
    await engine.until(() => runs === 1);
    await server.close();
    await running.until(() => running.eventsOf("delivery_retried").some(({ why }) => why === "ECONNREFUSED"));
    await serve(new InvocableActivityHandler({ work: () => "done" }), server.port);
    await engine.untilStatus(activity, "completed");
    expect(activity.attempts).toHaveLength(1);
    expect(activity.outcomes.map(({ verb }) => verb)).toEqual(["complete"]);
  });

  it("with idempotency runs once, though its dispatcher dies and the engine hands out again", async () => {
    await startEngine({ leaseMs: 1_000 });
    let runs = 0;
    let finish: (() => void) | undefined;
    const handler = new InvocableActivityHandler(
      {
        work: async (card: string) => {
          runs++;
          await new Promise<void>((resolve) => (finish = resolve));
          return `${card} charged`;
        },
      },
      { idempotency: idempotent({ store: new MemoryIdempotencyStore(), key: byExecution }) },
    );
    const { url } = await serve(handler);
    const first = await dispatch(url, { drainMs: 1 });
    const activity = await engine.schedule({ type: "work", arguments: { ...payloadEnvelope(["card-7"]) } });
    await engine.until(() => finish !== undefined);
    expect(await first.dispatcher.drain()).toEqual({ abandoned: 1 });
    // It does not stop for that, and is done before anybody asks again.
    finish?.();
    await dispatch(url);
    await engine.untilStatus(activity, "completed");
    const { attempts, result } = await engine.describe(activity);
    expect(decodePayload(result)).toBe("card-7 charged");
    expect(attempts).toMatchObject([{ status: "expired" }, { status: "completed" }]);
    expect(runs).toBe(1);
  });
});

describe("an engine without external storage", () => {
  let folder: string;
  let runs = 0;
  const big = "x".repeat(10_000);
  const options = () => ({
    externalStorage: externalStorage(new LocalFilesystemExternalStorage({ root: folder }), { thresholdBytes: 1_000 }),
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dispatcher-storage-"));
    runs = 0;
    return () => rmSync(folder, { recursive: true });
  });

  it("takes no reference for a result: the activity fails for good, and says why", async () => {
    await startEngine();
    const work = (): string => {
      runs++;
      return big;
    };
    const { running } = await chain({ work }, options());
    const activity = await engine.schedule({ type: "work", maxAttempts: 5 });
    await engine.untilStatus(activity, "failed");
    const { failure } = await engine.describe(activity);
    expect(failure).toMatchObject({ type: "ReportRejected", non_retryable: true });
    expect(failure.message).toContain("does not accept the result (422)");
    expect(failure.message).toContain("external_storage is not taken in requests");
    await running.until(() => running.eventsOf("task_ended").length === 1);
    expect(runs).toBe(1);
    expect([engine.callsOf("complete").length, engine.callsOf("fail").length]).toEqual([1, 1]);
    expect(running.eventsOf("report_rejected")).toMatchObject([{ status: 422 }]);
  });

  it("takes no reference for a failure's details: they are left out, and the policy still knows its type", async () => {
    await startEngine();
    const work = (): never => {
      runs++;
      throw new ActivityFailure("The card was declined.", { type: "CardDeclined", details: { page: big } });
    };
    const { running } = await chain({ work }, options());
    const activity = await engine.schedule({
      type: "work",
      request: { retry_policy: { max_attempts: 5, non_retryable_error_types: ["CardDeclined"] } },
    });
    await engine.untilStatus(activity, "failed");
    const { failure } = await engine.describe(activity);
    expect(failure).toMatchObject({ type: "CardDeclined", details: null });
    expect(failure.message).toContain("The card was declined.");
    expect(failure.message).toContain("(422)");
    expect(running.eventsOf("report_rejected")).toHaveLength(1);
    expect(runs).toBe(1);
  });
});
