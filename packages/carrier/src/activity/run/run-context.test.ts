import { describe, expect, it } from "vitest";
import { activityTaskEnvelope, type Changes } from "../../../test/support/envelopes.js";
import { FakeClock, NOON } from "../../../test/support/fake-clock.js";
import { activityInfo } from "../../../test/support/idempotent-task.js";
import { runActivity } from "../../../test/support/run-activity.js";
import type { ActivityTaskInputEnvelope } from "../../protocol/index.js";
import { recordingLogger } from "../../testing/recording-logger.js";
import type { ActivityContext } from "../context.js";
import { createContextKey } from "../context-values.js";
import { defineActivity } from "../definition/define-activity.js";
import {
  ActivityCancelled,
  CallerDisconnected,
  CarrierShutdown,
  ExternalTaskDeadlineExceeded,
  isExternalTaskDeadlineExceeded,
} from "../errors.js";
import { InvocableActivityHandler } from "../handler.js";
import type { HandleOptions } from "../invocable-handler.js";

const MINUTE_MS = 60_000;

/** What a handler sees of its context at noon, unless it is told to look at something else. */
async function seen<T>(
  look: (context: ActivityContext) => T,
  changes: Changes<ActivityTaskInputEnvelope> = {},
): Promise<T> {
  let found!: T;
  const activity = defineActivity({
    run: (context) => {
      found = look(context);
    },
  });
  await runActivity(activity, [], { clock: new FakeClock() }, changes);
  return found;
}

describe("context.info", () => {
  it("says all there is to know of the task", async () => {
    const info = activityInfo({
      idempotencyKey: "execution-lamp-7",
      executionId: undefined,
      deadlines: {
        scheduleToStart: new Date("2999-06-01T12:05:00Z"),
        startToClose: new Date("2999-06-01T12:20:00Z"),
        scheduleToClose: new Date("2999-06-01T13:00:00Z"),
        heartbeat: new Date("2999-06-01T12:10:00Z"),
      },
    });
    expect(await seen((context) => context.info)).toEqual(info);
  });

  it("has undefined for what was not set", async () => {
    const none = { schedule_to_start: null, start_to_close: null, schedule_to_close: null, heartbeat: null };
    const { deadlines } = await seen(({ info }) => info, { deadlines: none });
    expect(Object.values(deadlines)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each([
    [{ activity_execution_id: "execution-9" }, "execution-9"],
    [{ activity_execution_id: "" }, undefined],
    [{ activity_execution_id: 9 }, undefined],
    [[], undefined],
  ] as const)("takes the execution's id from the headers: %j", async (headers, expected) => {
    expect(await seen(({ info }) => info.executionId, { headers: headers as Record<string, unknown> })).toBe(expected);
  });

  it("names who renews the lease", async () => {
    expect(await seen(({ info }) => info.lease.renewedBy, { lease: { renewed_by: "dispatcher-1" } })).toBe(
      "dispatcher-1",
    );
  });
});

describe("the context", () => {
  it("has the headers of the task", async () => {
    expect(await seen(({ headers }) => headers["traceparent"])).toMatch(/^00-1111/);
  });

  it("puts the task's fields into every log line, a line's own before them", async () => {
    const logger = recordingLogger();
    const activity = defineActivity({
      run: (context) => {
        for (const level of ["debug", "info", "warn", "error"] as const) context.logger[level]({ step: 1 }, level);
        context.logger.info({ attempt: "mine" }, "own");
      },
    });
    await runActivity(activity, [], { logger });
    const bound = {
      task_id: "task-lamp-7",
      activity_type: "lamps.dim",
      workflow_id: "evening-routine",
      run_id: "run-evening-1",
    };
    expect(logger.lines).toEqual([
      ...["debug", "info", "warn", "error"].map((level) => ({
        level,
        message: level,
        fields: { ...bound, attempt: 2, step: 1 },
      })),
      { level: "info", message: "own", fields: { ...bound, attempt: "mine" } },
    ]);
  });

  it("keeps values by key, undefined included", async () => {
    const key = createContextKey<number | undefined>(7);
    const found = await seen((context) => {
      const before = context.get(key);
      context.set(key, undefined);
      return [before, context.get(key)];
    });
    expect(found).toEqual([7, undefined]);
  });

  it("takes heartbeats without a sender, and does nothing with them", async () => {
    expect(await seen((context) => context.heartbeat({ current: 1 }))).toBeUndefined();
  });
});

describe("context.remainingMs", () => {
  const NONE = { schedule_to_start: null, start_to_close: null, schedule_to_close: null, heartbeat: null };

  it.each([
    ["the first deadline", {}, 10 * MINUTE_MS],
    ["the lease", { deadlines: NONE }, 30 * MINUTE_MS],
    ["infinity for none", { deadlines: NONE, lease: { renewed_by: "dispatcher-1" } }, Number.POSITIVE_INFINITY],
    ["not the start's", { deadlines: { ...NONE, schedule_to_start: "2999-06-01T12:00:01Z" } }, 30 * MINUTE_MS],
  ])("counts %s", async (_, changes, expected) => {
    expect(await seen((context) => context.remainingMs(), changes)).toBe(expected);
  });

  it("goes down with the clock, not below zero", async () => {
    const clock = new FakeClock();
    const left: number[] = [];
    const activity = defineActivity({
      run: (context) => {
        for (const ms of [MINUTE_MS, 10 * MINUTE_MS]) {
          clock.block(ms);
          left.push(context.remainingMs());
        }
      },
    });
    await runActivity(activity, [], { clock });
    expect(left).toEqual([9 * MINUTE_MS, 0]);
  });
});

describe("context.signal", () => {
  /** A run whose handler waits for its signal, or does not care. */
  function running(honours: boolean, options: (caller: AbortController) => HandleOptions = () => ({})) {
    const clock = new FakeClock();
    const caller = new AbortController();
    const reasons: unknown[] = [];
    let handlerDone = false;
    const wait = defineActivity({
      run: (context) =>
        new Promise((_, reject) => {
          context.signal.addEventListener("abort", () => {
            reasons.push(context.signal.reason);
            if (!honours) return;
            handlerDone = true;
            reject(context.signal.reason as Error);
          });
        }),
    });
    const handler = new InvocableActivityHandler({ "lamps.dim": wait }, { clock });
    const result = handler.handle(activityTaskEnvelope(), options(caller));
    let answered = false;
    void result.then(() => {
      answered = true;
    });
    return { clock, caller, handler, reasons, result, isAnswered: () => answered, isHandlerDone: () => handlerDone };
  }

  it.each([
    ["honours it", true],
    ["ignores it", false],
  ])("fires at the deadline; a handler that %s is answered then, not before", async (_, honours) => {
    const run = running(honours);
    await run.clock.advance(10 * MINUTE_MS - 1);
    expect([run.isAnswered(), run.isHandlerDone()]).toEqual([false, false]);
    await run.clock.advance(1);
    expect([run.isAnswered(), run.isHandlerDone()]).toEqual([true, honours]);
    expect(run.reasons).toEqual([expect.any(ExternalTaskDeadlineExceeded)]);
    expect(isExternalTaskDeadlineExceeded(run.reasons[0]) && run.reasons[0].deadline).toBe("deadlines.heartbeat");
    expect(await run.result).toMatchObject({ failure: { classification: "deadline_exceeded" } });
  });

  it.each([
    ["a cancellation", new ActivityCancelled("stop"), "cancelled"],
    ["a disconnect", new CallerDisconnected(), "application_error"],
  ])("fires for %s", async (_, reason, classification) => {
    const run = running(true, ({ signal }) => ({ signal }));
    await Promise.resolve();
    run.caller.abort(reason);
    expect(await run.result).toMatchObject({ failure: { classification } });
    expect(run.reasons).toEqual([reason]);
    expect(run.isHandlerDone()).toBe(true);
  });

  it("fires at the platform's limit", async () => {
    const run = running(true, () => ({ remainingMs: 5000 }));
    await run.clock.advance(5000);
    expect(run.reasons).toEqual([expect.objectContaining({ deadline: "platform_limit" })]);
    expect(await run.result).toMatchObject({ outcome: { retryable: true } });
  });

  it("fires at shutdown, which waits for the answers", async () => {
    const run = running(true);
    await Promise.resolve();
    await run.handler.shutdown();
    expect(run.reasons).toEqual([expect.any(CarrierShutdown)]);
    expect(await run.result).toMatchObject({ outcome: { retryable: true }, failure: { type: "CarrierShutdown" } });
  });

  it("is one and the same whenever it is asked for", async () => {
    expect(await seen((context) => context.signal === context.signal)).toBe(true);
  });
});

describe("shutdown", () => {
  it("lets tasks go on for the grace it is given, and refuses new ones", async () => {
    const clock = new FakeClock();
    const after = (ms: number) => new Promise((resolve) => clock.schedule(ms, () => resolve("done")));
    const handler = new InvocableActivityHandler(
      { "lamps.dim": () => after(5000), never: () => after(99 * MINUTE_MS) },
      { clock },
    );
    const quick = handler.handle(activityTaskEnvelope());
    const slow = handler.handle(activityTaskEnvelope({ task: { handler: "never" } }));
    let stopped = false;
    const stopping = handler.shutdown({ graceMs: 8000 }).then(() => {
      stopped = true;
    });
    expect(await handler.handle(activityTaskEnvelope())).toMatchObject({
      outcome: { retryable: true },
      failure: { type: "CarrierShutdown" },
    });
    await clock.advance(5000);
    expect(await quick).toMatchObject({ outcome: { status: "succeeded" } });
    expect(stopped).toBe(false);
    await clock.advance(3000);
    expect(await slow).toMatchObject({ failure: { type: "CarrierShutdown" } });
    await stopping;
    expect(clock.now()).toBe(NOON + 8000);
    expect(clock.liveTimers).toBe(2 - 1);
  });

  it("is over at once where nothing runs, and takes its timer back where tasks end in time", async () => {
    const clock = new FakeClock();
    await new InvocableActivityHandler({}, { clock }).shutdown({ graceMs: 1000 });
    const handler = new InvocableActivityHandler({ "lamps.dim": () => Promise.resolve(1) }, { clock });
    const result = handler.handle(activityTaskEnvelope());
    await Promise.all([result, handler.shutdown({ graceMs: 1000 })]);
    expect(clock.liveTimers).toBe(0);
  });

  it.each([[-1], [Number.NaN], ["5"]])("refuses a grace of %s", async (graceMs) => {
    const handler = new InvocableActivityHandler({});
    await expect(handler.shutdown({ graceMs: graceMs as number })).rejects.toThrow("graceMs must be a number >= 0");
  });
});
