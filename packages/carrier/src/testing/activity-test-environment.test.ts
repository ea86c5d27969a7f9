import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { ActivityContext } from "../activity/context.js";
import { createContextKey } from "../activity/context-values.js";
import { defineActivity } from "../activity/definition/define-activity.js";
import { interceptWith } from "../activity/definition/interceptor.js";
import { ActivityFailure } from "../activity/errors.js";
import { idempotent, MemoryIdempotencyStore } from "../activity/idempotency/index.js";
import { mapErrors } from "../activity/map-error.js";
import { ActivityTestEnvironment } from "./activity-test-environment.js";
import { ActivityTaskFailed } from "./task-result.js";
import { TestClock } from "./test-clock.js";

const greet = defineActivity({ name: "greet", input: [z.string()], run: (_context, name) => `Hello, ${name}` });

/** Waits on the environment's clock, as a handler does with timers that it is given. */
const sleepOn = (env: ActivityTestEnvironment) => (ms: number) =>
  new Promise<void>((resolve) => {
    env.clock.schedule(ms, resolve);
  });

describe("ActivityTestEnvironment", () => {
  it("runs definitions and functions, and gives their values as a workflow gets them", async () => {
    const env = new ActivityTestEnvironment();
    const greeting = await env.run(greet, ["Ada"]);
    expectTypeOf(greeting).toEqualTypeOf<string>();
    expect(greeting).toBe("Hello, Ada");
    expect(await env.run(async (left: number, right: number) => left + right, [2, 3])).toBe(5);
    expect(await env.run(() => undefined, [])).toBeNull();
    expect(await env.run(() => ({ kept: 1, dropped: undefined }), [])).toEqual({ kept: 1 });
  });

  it("throws what a failed activity says, details decoded", async () => {
    const env = new ActivityTestEnvironment();
    const fail = () => {
      throw new ActivityFailure("no funds", { type: "Declined", retryable: false, details: { left: 3n } });
    };
    await expect(env.run(fail, [])).rejects.toThrow("Declined: no funds");
    await expect(env.run(fail, [])).rejects.toBeInstanceOf(ActivityTaskFailed);
    expect(await env.start(fail, []).failure()).toMatchObject({
      type: "Declined",
      message: "no funds",
      retryable: false,
      details: { left: 3 },
    });
    await expect(env.start(greet, ["Ada"]).failure()).rejects.toThrow("the task succeeded");
  });

  it("validates as a carrier does", async () => {
    const failure = await new ActivityTestEnvironment().start(greet, [7 as unknown as string]).failure();
    expect(failure).toMatchObject({ classification: "decode_failure", details: { issues: [{ path: [0] }] } });
  });

  it("moves time on, with everything that waits for it", async () => {
    const env = new ActivityTestEnvironment({ now: 0 });
    const sleep = sleepOn(env);
    const nap = defineActivity({
      run: async (context) => {
        const before = context.remainingMs();
        await sleep(20_000);
        return [before, context.remainingMs(), env.clock.now()];
      },
    });
    const run = env.start(nap, []);
    await env.advance(20_000);
    expect(await run.value()).toEqual([60_000, 40_000, 20_000]);
  });

  it("ends a run at its deadline", async () => {
    const env = new ActivityTestEnvironment();
    const run = env.start(() => new Promise(() => {}), [], { startToCloseMs: 5000 });
    await env.advance(5000);
    expect(await run.failure()).toMatchObject({ classification: "deadline_exceeded", retryable: true });
  });

  it.each([
    ["cancel", { classification: "cancelled", type: "ActivityCancelled", message: "not needed any more" }],
    ["disconnect", { classification: "application_error", type: "CallerDisconnected" }],
  ] as const)("can %s a run", async (what, expected) => {
    const wait = (context: ActivityContext) =>
      new Promise((_, reject) => {
        context.signal.addEventListener("abort", () => reject(context.signal.reason as Error));
      });
    const run = new ActivityTestEnvironment().start(defineActivity({ run: wait }), []);
    run[what]("not needed any more");
    expect(await run.failure()).toMatchObject(expected);
  });

  it("records heartbeats: what the handler said, and what reached the engine", async () => {
    const env = new ActivityTestEnvironment();
    const sleep = sleepOn(env);
    const rows = defineActivity({
      run: async (context, count: number) => {
        for (let row = 1; row <= count; row++) {
          context.heartbeat({ current: row, total: count });
          await sleep(1000);
        }
        return context.info.attempt;
      },
    });
    const run = env.start(rows, [12], { attempt: 3, heartbeatTimeoutMs: 12_000 });
    const other = env.start(rows, [1]);
    await env.advance(12_000);
    expect(await run.value()).toBe(3);
    expect(run.heartbeats.map(({ atMs, progress }) => [atMs, progress?.current])).toEqual(
      Array.from({ length: 12 }, (_, index) => [index * 1000, index + 1]),
    );
    expect(run.sentHeartbeats.map(({ atMs, progress }) => [atMs, progress?.current])).toEqual([
      [0, 1],
      [4000, 4],
      [8000, 8],
      [12_000, 12],
    ]);
    await other.value();
    expect(other.heartbeats).toHaveLength(1);
  });

  it("gives handlers the context that they have in production", async () => {
    const key = createContextKey("nobody");
    const seen: unknown[] = [];
    const env = new ActivityTestEnvironment({
      interceptors: interceptWith((next) => async (context, args) => {
        void context.outcome.then(({ status }) => seen.push(status));
        await next(context, args);
        seen.push(context.get(key));
      }),
    });
    const sleep = sleepOn(env);
    const activity = defineActivity({
      run: async ({ info, heartbeat, set, outcome, ...rest }) => {
        void outcome.then(({ status }) => seen.push(status));
        set(key, "handler");
        await sleep(1000);
        const before = info.lease.expiresAt;
        heartbeat();
        await sleep(0);
        seen.push(Object.keys(rest).includes("remainingMs"), before.getTime());
      },
    });
    const progress = { current: 1 };
    const mutating = defineActivity({
      run: (context) => {
        for (progress.current = 1; progress.current <= 3; progress.current++) context.heartbeat(progress);
      },
    });
    const run = env.start(activity, []);
    await env.advance(1000);
    await run.value();
    expect(seen.slice(2)).toEqual(["handler", "succeeded", "succeeded"]);
    const second = env.start(mutating, []);
    await second.value();
    expect(second.heartbeats.map((heartbeat) => heartbeat.progress?.current)).toEqual([1, 2, 3]);
  });

  it("shows a lease that was moved by a heartbeat", async () => {
    const env = new ActivityTestEnvironment({ now: 0 });
    const sleep = sleepOn(env);
    const activity = defineActivity({
      run: async (context) => {
        const before = context.info.lease.expiresAt.getTime();
        await sleep(1000);
        context.heartbeat();
        await sleep(0);
        return context.info.lease.expiresAt.getTime() - before;
      },
    });
    const run = env.start(activity, []);
    await env.advance(1000);
    expect(await run.value()).toBe(1000);
  });

  it("may share its clock, with an idempotency store for one", async () => {
    const clock = new TestClock();
    const store = new MemoryIdempotencyStore({ clock });
    const env = new ActivityTestEnvironment({ clock, idempotency: idempotent({ store, ttlMs: 1000 }) });
    let runs = 0;
    const count = () => ++runs;
    const run = () => env.run(count, [], { idempotencyKey: "a" });
    expect([await run(), await run()]).toEqual([1, 1]);
    await env.advance(1000);
    expect(await run()).toBe(2);
  });

  it("tells what is wrong with a task to whoever asks for its result", async () => {
    const run = new ActivityTestEnvironment().start(greet, ["Ada"], { attempt: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1));
    await expect(run.result()).rejects.toThrow("task.attempt");
  });

  it("lets a test play the engine that answers heartbeats", async () => {
    const env = new ActivityTestEnvironment({
      answerHeartbeat: ({ progress }) => (progress?.current === 2 ? { canContinue: false, cancelRequested: true } : {}),
    });
    const sleep = sleepOn(env);
    const steps = defineActivity({
      run: async (context) => {
        for (let step = 1; ; step++) {
          context.heartbeat({ current: step });
          await sleep(30_000);
        }
      },
    });
    const run = env.start(steps, []);
    await env.advance(30_000);
    expect(await run.failure()).toMatchObject({ classification: "cancelled" });
  });

  it("takes the options of a carrier, and keeps what was logged", async () => {
    const env = new ActivityTestEnvironment({
      carrier: "billing",
      stackTraces: false,
      interceptors: interceptWith(
        mapErrors((error) => (error instanceof RangeError ? new ActivityFailure("mapped") : undefined)),
        (next) => (context, args) => {
          context.logger.info({ step: 1 }, "intercepted");
          return next(context, args);
        },
      ),
    });
    const fail = () => Promise.reject(new RangeError("no"));
    const run = env.start(fail, []);
    expect(await run.failure()).toMatchObject({
      message: "mapped\nCaused by: RangeError: no",
      stackTrace: null,
    });
    expect(await run.result()).toMatchObject({ metadata: { carrier: "billing", handler: "fail" } });
    expect(env.logs).toEqual([expect.objectContaining({ message: "intercepted" })]);
  });

  it("refuses what is no activity", () => {
    expect(() => new ActivityTestEnvironment().start({} as never, [] as never)).toThrow(TypeError);
  });
});
