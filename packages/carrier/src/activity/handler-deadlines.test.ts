import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope, type Changes } from "../../test/support/envelopes.js";
import { FakeClock, NOON, settle, TEN_PAST } from "../../test/support/fake-clock.js";
import { detailsOf } from "../../test/support/run-activity.js";
import type { ActivityTaskInputEnvelope } from "../protocol/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import {
  ActivityCancelled,
  ActivityFailure,
  CallerDisconnected,
  CarrierShutdown,
  NonRetryableError,
} from "./errors.js";
import { InvocableActivityHandler } from "./handler.js";
import type { HandleOptions } from "./invocable-handler.js";

const MINUTE_MS = 60_000;
const PAST = "2999-06-01T11:59:59.999Z";

/** A carrier at noon, its one handler, and a task that runs on it. */
function started(
  handler: (clock: FakeClock) => unknown,
  changes: Changes<ActivityTaskInputEnvelope> = {},
  options?: HandleOptions,
) {
  const clock = new FakeClock();
  const logger = recordingLogger();
  const carrier = new InvocableActivityHandler({ "lamps.dim": () => handler(clock) }, { clock, logger });
  return { clock, logger, result: carrier.handle(activityTaskEnvelope(changes), options) };
}

const never = (): unknown => new Promise(() => {});

function exceeded(message: string) {
  return {
    outcome: { status: "failed", retryable: true, recorded: true },
    failure: {
      kind: "timeout",
      classification: "deadline_exceeded",
      type: "ExternalTaskDeadlineExceeded",
      timeout_type: "deadline_exceeded",
      message,
      stack_trace: null,
      cancelled: false,
    },
  };
}

describe("a deadline that is past on receipt", () => {
  it.each([
    ["lease.expires_at", { lease: { expires_at: PAST } }],
    ["deadlines.schedule_to_start", { deadlines: { schedule_to_start: PAST } }],
    ["deadlines.start_to_close", { deadlines: { start_to_close: PAST } }],
    ["deadlines.schedule_to_close", { deadlines: { schedule_to_close: PAST } }],
    ["deadlines.heartbeat", { deadlines: { heartbeat: PAST } }],
  ] as const)("keeps the handler from running: %s", async (name, changes) => {
    const handler = vi.fn<() => void>();
    const { clock, result } = started(handler, changes);
    expect(await result).toMatchObject(
      exceeded(`${name} passed at ${PAST}, before the handler could start (this clock has 2999-06-01T12:00:00.000Z).`),
    );
    expect(detailsOf(await result)).toEqual({ deadline: name, expires_at: PAST });
    expect(handler).not.toHaveBeenCalled();
    expect(clock.scheduled).toBe(0);
  });

  it.each([
    ["lease.expires_at", { lease: { expires_at: PAST, renewed_by: "dispatcher-1" } }],
    ["deadlines.heartbeat", { lease: { renewed_by: "dispatcher-1" }, deadlines: { heartbeat: PAST } }],
  ] as const)("does not count where the caller renews: %s", async (_, changes) => {
    expect(await started(() => 7, changes).result).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it.each([
    ["ahead", -10],
    ["behind", 10],
  ])("is judged by the time the caller sent, by a machine whose clock is %s", async (_, minutes) => {
    const at = (ms: number): string => new Date(NOON + minutes * 60_000 + ms).toISOString();
    const deadlines = {
      schedule_to_start: at(5000),
      start_to_close: at(1000),
      schedule_to_close: null,
      heartbeat: null,
    };
    const ran = { lease: { sent_at: at(0), expires_at: at(3000) }, deadlines };
    const { clock, result } = started(never, ran);
    await clock.advance(999);
    expect(clock.scheduled).toBe(1);
    await clock.advance(1);
    expect(await result).toMatchObject(
      exceeded(`deadlines.start_to_close passed at ${at(1000)}, while the handler was running.`),
    );
    const late = started(() => 7, { lease: { ...ran.lease, sent_at: at(1001) }, deadlines });
    expect(await late.result).toMatchObject(
      exceeded(`deadlines.start_to_close passed at ${at(1000)}, before the handler could start.`),
    );
  });

  it.each([
    ["a millisecond ahead", 1, "succeeded"],
    ["this very millisecond", 0, "failed"],
    ["a millisecond ago", -1, "failed"],
  ])("is %s", async (_, offsetMs, status) => {
    const at = new Date(NOON + offsetMs).toISOString();
    const handler = vi.fn<() => void>();
    const { result } = started(handler, { deadlines: { start_to_close: at } });
    expect(await result).toMatchObject({ outcome: { status } });
    expect(handler).toHaveBeenCalledTimes(status === "succeeded" ? 1 : 0);
  });

  it.each([
    ["0 ms", 0, "failed"],
    ["-500 ms", -500, "failed"],
    ["1 ms", 1, "succeeded"],
    ["for ever", Number.POSITIVE_INFINITY, "succeeded"],
    ["undefined", undefined, "succeeded"],
  ])("may be the platform's: %s are left", async (_, remainingMs, status) => {
    const { result } = started(() => 1, {}, { remainingMs });
    expect(await result).toMatchObject({ outcome: { status } });
    if (status === "failed") expect(detailsOf(await result)).toMatchObject({ deadline: "platform_limit" });
  });
});

describe("a deadline that is no timestamp", () => {
  it.each([
    ["lease.expires_at", { lease: { expires_at: "soon" } }],
    ["deadlines.heartbeat", { deadlines: { heartbeat: "" } }],
    ["deadlines.start_to_close", { deadlines: { start_to_close: "x".repeat(5000) } }],
    ["deadlines.schedule_to_close", { deadlines: { schedule_to_close: "\ud800" } }],
    ["deadlines.schedule_to_start", { deadlines: { schedule_to_start: "2999-06-01" } }],
  ] as const)("is a decode failure that names it: %s", async (name, changes) => {
    const handler = vi.fn<() => void>();
    const { result } = started(handler, changes);
    expect(await result).toMatchObject({
      outcome: { retryable: false },
      failure: {
        kind: "decode_failure",
        classification: "decode_failure",
        message: expect.stringContaining(name),
        timeout_type: null,
      },
    });
    expect(detailsOf(await result)).toMatchObject({ deadline: name });
    expect(JSON.stringify(await result).length).toBeLessThan(1000);
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("a handler that runs", () => {
  it("is answered at the first deadline that counts, which is not schedule_to_start", async () => {
    const { clock, logger, result } = started(never);
    await clock.advance(TEN_PAST - NOON - 1);
    expect(clock.liveTimers).toBe(1);
    await clock.advance(1);
    expect(await result).toMatchObject(
      exceeded("deadlines.heartbeat passed at 2999-06-01T12:10:00.000000Z, while the handler was running."),
    );
    expect(await result).toMatchObject({ metadata: { duration_ms: 10 * MINUTE_MS } });
    expect(detailsOf(await result)).toEqual({
      deadline: "deadlines.heartbeat",
      expires_at: "2999-06-01T12:10:00.000000Z",
    });
    expect(clock.liveTimers).toBe(0);
    expect(logger.lines).toEqual([]);
  });

  it.each([
    [
      "the lease",
      { deadlines: { start_to_close: null, schedule_to_close: null, heartbeat: null } },
      30,
      "lease.expires_at",
    ],
    ["start_to_close where the caller renews", { lease: { renewed_by: "d" } }, 20, "deadlines.start_to_close"],
    [
      "schedule_to_close where the caller renews",
      { lease: { renewed_by: "d" }, deadlines: { start_to_close: null } },
      60,
      "deadlines.schedule_to_close",
    ],
  ])("is held to %s", async (_, changes, minutes, deadline) => {
    const { clock, result } = started(never, changes);
    await clock.advance(minutes * MINUTE_MS);
    expect(detailsOf(await result)).toMatchObject({ deadline });
  });

  it("runs as long as it likes where nothing bounds it", async () => {
    const none = { schedule_to_start: null, start_to_close: null, schedule_to_close: null, heartbeat: null };
    const { clock, result } = started(
      (time) => new Promise((resolve) => time.schedule(2 ** 31 - 1, () => resolve("done"))),
      { lease: { renewed_by: "d" }, deadlines: none },
    );
    await clock.advance(2 ** 31);
    expect(await result).toMatchObject({ outcome: { status: "succeeded" } });
    expect(clock.scheduled).toBe(1);
  });

  it("is answered before the platform ends the process", async () => {
    const { clock, result } = started(never, {}, { remainingMs: 2500 });
    await clock.advance(2500);
    expect(await result).toMatchObject(
      exceeded("platform_limit passed at 2999-06-01T12:00:02.500Z, while the handler was running."),
    );
  });

  it.each([
    ["returned", () => "late"],
    ["threw", () => Promise.reject(new NonRetryableError("late"))],
    ["was cancelled", () => Promise.reject(new ActivityCancelled())],
  ])("and %s after a deadline that no timer could tell of is too late", async (_, end) => {
    const { logger, result } = started((clock) => {
      clock.block(10 * MINUTE_MS);
      return end();
    });
    expect(await result).toMatchObject(
      exceeded("deadlines.heartbeat passed at 2999-06-01T12:10:00.000000Z, before the handler was done."),
    );
    expect(logger.lines).toEqual([]);
  });

  it.each([
    ["resolves", (resolve: (value: unknown) => void) => resolve({ secret: "s3cret" })],
    ["rejects", (_: unknown, reject: (error: unknown) => void) => reject(new Error("s3cret"))],
  ])("is logged, without what it says, when it %s after its answer", async (_, end) => {
    const { clock, logger, result } = started(
      (time) => new Promise((resolve, reject) => time.schedule(11 * MINUTE_MS, () => end(resolve, reject))),
    );
    await clock.advance(12 * MINUTE_MS);
    expect(await result).toMatchObject({ failure: { classification: "deadline_exceeded" } });
    expect(logger.lines).toEqual([
      {
        level: "warn",
        fields: {
          task_id: "task-lamp-7",
          attempt: 2,
          activity_type: "lamps.dim",
          workflow_id: "evening-routine",
          run_id: "run-evening-1",
        },
        message: expect.stringContaining("late outcome was dropped"),
      },
    ]);
  });
});

describe("a signal that is aborted", () => {
  const CASES = [
    ["a cancellation", new ActivityCancelled("stop"), "cancelled", "ActivityCancelled", false],
    ["a disconnect", new CallerDisconnected(), "application_error", "CallerDisconnected", true],
    ["a shutdown", new CarrierShutdown(), "application_error", "CarrierShutdown", true],
    ["AbortSignal.timeout", new DOMException("slow", "TimeoutError"), "deadline_exceeded", "TimeoutError", true],
    ["abort() without a reason", undefined, "application_error", "AbortError", true],
    ["a non-retryable failure", new NonRetryableError("stop"), "application_error", "NonRetryableError", false],
    ["a failure", new ActivityFailure("stop", { type: "Drained" }), "application_error", "Drained", true],
    ["text", "stop", "application_error", null, true],
    ["null", null, "application_error", null, true],
  ] as const;

  it.each(CASES)("ends the run at once: %s", async (_, reason, classification, type, retryable) => {
    const expected = {
      outcome: { status: "failed", retryable },
      failure: { classification, type, cancelled: classification === "cancelled", message: expect.stringMatching(/./) },
    };
    const caller = new AbortController();
    const during = started(never, {}, { signal: caller.signal });
    await settle();
    caller.abort(reason);
    expect(await during.result).toMatchObject(expected);
    expect(during.clock.liveTimers).toBe(0);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);

    const handler = vi.fn<() => void>();
    const before = started(handler, {}, { signal: caller.signal });
    expect(await before.result).toMatchObject(expected);
    expect(handler).not.toHaveBeenCalled();
  });

  it.each(CASES)("has a timeout type only for timeouts: %s", async (_, reason, classification) => {
    const { result } = started(never, {}, { signal: AbortSignal.abort(reason) });
    const isTimeout = classification === "deadline_exceeded";
    expect(await result).toMatchObject({
      failure: {
        kind: isTimeout ? "timeout" : classification === "cancelled" ? "cancellation" : "application",
        timeout_type: isTimeout ? "deadline_exceeded" : null,
      },
    });
  });

  it("changes nothing once the task is answered", async () => {
    const caller = new AbortController();
    const { result } = started(() => 1, {}, { signal: caller.signal });
    const answered = structuredClone(await result);
    caller.abort(new ActivityCancelled());
    await settle();
    expect(await result).toEqual(answered);
  });
});
