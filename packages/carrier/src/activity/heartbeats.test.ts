import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { NOON, settle } from "../../test/support/fake-clock.js";
import { angryProxy, revokedProxy } from "../../test/support/hostile.js";
import {
  deferred,
  GO_ON,
  LEASE_MS,
  type SentHeartbeat,
  STOP,
  startedHeartbeats,
} from "../../test/support/started-heartbeats.js";
import type { HeartbeatAnswer, HeartbeatProgress } from "../protocol/heartbeat.js";
import { HeartbeatEndpointError } from "../protocol/heartbeat-endpoint.js";
import { HeartbeatError } from "./heartbeat-sender.js";
import type { Logger } from "./logger.js";

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/** None of these tests may leave a rejection to nobody. */
const unhandled = vi.fn<(reason: unknown) => void>();
beforeAll(() => {
  process.on("unhandledRejection", unhandled);
});
afterAll(async () => {
  await settle();
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

function fail(error: unknown): () => never {
  return () => {
    throw error;
  };
}

function loggerThat(callback: () => void): Logger {
  return { debug: callback, info: callback, warn: callback, error: callback };
}

const networkDown = (): Promise<never> =>
  Promise.reject(new HeartbeatError("The heartbeat was not answered: ECONNRESET."));

describe("throttling", () => {
  it("sends the first at once, with all that the engine wants to know", async () => {
    const { beats, sent, clock } = startedHeartbeats();
    beats.heartbeat({ message: "dimming", current: 1, total: 7 });
    expect(sent).toEqual([
      {
        at: 0,
        taskId: "task-lamp-7",
        attemptId: "attempt-lamp-7-b",
        leaseOwner: "carrier-cellar",
        endpoint: "/heartbeat",
        progress: { message: "dimming", current: 1, total: 7 },
        signal: expect.any(AbortSignal),
      },
    ]);
    await clock.advance(5 * MINUTE_MS);
    expect(sent).toHaveLength(1);
    expect(clock.liveTimers).toBe(0);
  });

  it("sends the last of what comes within the interval, when the interval ends", async () => {
    const { beats, clock, times, counts } = startedHeartbeats();
    for (let current = 1; current <= 100; current++) {
      beats.heartbeat({ current });
      await clock.advance(250);
    }
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, 10_000, 20_000, 30_000]);
    expect(counts()).toEqual([1, 40, 80, 100]);
    expect(clock.liveTimers).toBe(0);
  });

  it("sends one at once that comes after the interval", async () => {
    const { beats, clock, times } = startedHeartbeats();
    beats.heartbeat();
    await clock.advance(10_001);
    beats.heartbeat();
    expect(times()).toEqual([0, 10_001]);
  });

  it.each([
    // heartbeat timeout, lease left, interval
    [3000, LEASE_MS, 1000],
    [30_000, LEASE_MS, 10_000],
    [900_000, LEASE_MS, 10_000],
    [undefined, LEASE_MS, 10_000],
    [undefined, 12_000, 4000],
    [30_000, 12_000, 4000],
    [6000, 12_000, 2000],
    [1000, LEASE_MS, 333],
    [1, LEASE_MS, 250],
    [undefined, 10, 250],
    // no measure of anything
    [undefined, Number.POSITIVE_INFINITY, 10_000],
    [undefined, Number.NaN, 10_000],
    [undefined, 0, 10_000],
    [6000, -5, 2000],
    [0, LEASE_MS, 10_000],
    [Number.NaN, LEASE_MS, 10_000],
  ])("with a timeout of %s ms and %s ms of the lease left waits %d ms", async (timeoutMs, left, intervalMs) => {
    const { beats, clock, times } = startedHeartbeats(() => GO_ON, { timeoutMs, leaseLeftMs: () => left });
    beats.heartbeat();
    await clock.advance(0);
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, intervalMs]);
  });

  it("reckons with the lease as the answer has moved it", async () => {
    let left = 3000;
    const { beats, clock, times } = startedHeartbeats(() => GO_ON, {
      timeoutMs: undefined,
      leaseLeftMs: () => left,
      onAccepted: () => {
        left = 30_000;
      },
    });
    beats.heartbeat();
    await clock.advance(1);
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, 10_000]);
  });

  it("never has two on their way, and measures the interval from when one was sent", async () => {
    const answers = [deferred<HeartbeatAnswer>(), deferred<HeartbeatAnswer>()];
    const { beats, clock, times, counts } = startedHeartbeats((_, count) => answers[count - 1]?.promise ?? GO_ON);
    beats.heartbeat({ current: 1 });
    await clock.advance(3000);
    beats.heartbeat({ current: 2 });
    beats.heartbeat({ current: 3 });
    expect(times()).toEqual([0]);
    answers[0]?.resolve(GO_ON);
    await clock.advance(6999);
    expect(times()).toEqual([0]);
    await clock.advance(1);
    expect(times()).toEqual([0, 10_000]);

    // One that takes longer than the interval is followed at once.
    beats.heartbeat({ current: 4 });
    await clock.advance(12_000);
    answers[1]?.resolve(GO_ON);
    await clock.advance(0);
    expect(times()).toEqual([0, 10_000, 22_000]);
    expect(counts()).toEqual([1, 3, 4]);
  });

  it("goes by the clock that never goes back", async () => {
    const { beats, clock, times } = startedHeartbeats();
    beats.heartbeat();
    await clock.advance(0);
    clock.setWallClock(NOON - 3_600_000);
    beats.heartbeat();
    await clock.advance(10_000);
    expect(times()).toEqual([0, 10_000 - 3_600_000]);
  });

  it("sends for a handler that keeps the thread to itself, as soon as it may", async () => {
    const { beats, clock, times, counts } = startedHeartbeats();
    beats.heartbeat({ current: 0 });
    await clock.advance(0);
    for (let current = 1; current <= 12; current++) {
      clock.block(SECOND_MS);
      beats.heartbeat({ current });
    }
    expect(times()).toEqual([0, 10_000]);
    expect(counts()).toEqual([0, 10]);
  });

  it("sets one timer for a thousand calls", async () => {
    const { beats, clock } = startedHeartbeats();
    beats.heartbeat();
    await clock.advance(0);
    const { scheduled } = clock;
    for (let current = 0; current < 1000; current++) beats.heartbeat({ current });
    expect(clock.scheduled).toBe(scheduled + 1);
  });
});

describe("progress", () => {
  it("is taken as it is when the handler says it", async () => {
    const { beats, clock, sent } = startedHeartbeats();
    beats.heartbeat();
    await clock.advance(0);
    const details = { lamp: 1 };
    beats.heartbeat({ details });
    details.lamp = 2;
    await clock.advance(10_000);
    expect(sent[1]?.progress).toEqual({ details: { lamp: 1 } });
  });

  it("is repeated by a call that brings none", async () => {
    const { beats, clock, counts } = startedHeartbeats();
    beats.heartbeat({ current: 1 });
    await clock.advance(10_000);
    beats.heartbeat();
    await clock.advance(1000);
    beats.heartbeat({ current: 2 });
    beats.heartbeat();
    await clock.advance(10_000);
    expect(counts()).toEqual([1, 1, 2]);
  });

  it("is made to fit, which is told once for the same fields", async () => {
    const { beats, clock, sent, logger } = startedHeartbeats();
    for (let call = 0; call < 3; call++)
      beats.heartbeat({ message: "x".repeat(500), details: { "a b": `secret-${call}` } });
    beats.heartbeat({ current: -1 });
    await clock.advance(10_000);
    expect(sent[0]?.progress).toEqual({ message: "x".repeat(280), details: { a_b: "secret-0" } });
    const message = "The progress of a heartbeat was altered to fit the engine's limits.";
    expect(logger.lines).toEqual([
      { level: "debug", fields: { changed: "message, details.a_b" }, message },
      { level: "debug", fields: { changed: "current" }, message },
    ]);
  });

  it.each([
    ["a proxy", angryProxy()],
    ["a revoked proxy", revokedProxy()],
    ["text", "half way"],
    ["null", null],
  ])("that is no progress is no harm: %s", async (_, progress) => {
    const { beats, sent } = startedHeartbeats();
    beats.heartbeat(progress as HeartbeatProgress);
    expect(sent[0]?.progress).toBeUndefined();
  });

  it("that the engine refuses is dropped and not sent again, unless there is newer", async () => {
    const { beats, clock, counts, logger } = startedHeartbeats(({ progress }) =>
      progress === undefined ? GO_ON : { ...GO_ON, progressRefused: true },
    );
    beats.heartbeat({ current: 1 });
    beats.heartbeat({ current: 2 });
    await clock.advance(10_000);
    beats.heartbeat();
    await clock.advance(10_000);
    expect(counts()).toEqual([1, 2, undefined]);
    expect(logger.lines).toEqual([
      {
        level: "warn",
        fields: {},
        message: "The engine refuses the progress of heartbeats. They are sent without it.",
      },
    ]);
  });
});

describe("answers", () => {
  it("that let the attempt go on are passed on, with the time they were sent at", async () => {
    const answer = { ...GO_ON, leaseExpiresAt: new Date(NOON + LEASE_MS) };
    const pending = deferred<HeartbeatAnswer>();
    const { beats, clock, onAccepted, onStop } = startedHeartbeats(() => pending.promise);
    await clock.advance(2000);
    beats.heartbeat();
    await clock.advance(500);
    expect(onAccepted).not.toHaveBeenCalled();
    pending.resolve(answer);
    await clock.advance(0);
    expect(onAccepted.mock.calls).toEqual([[answer, NOON + 2000]]);
    expect(onStop).not.toHaveBeenCalled();
  });

  it.each([[false], [true]])(
    "that end the attempt are passed on once, and the last; automatic: %s",
    async (automatic) => {
      const answer = { ...STOP, cancelRequested: true, reason: "run_cancelled" };
      const { beats, clock, sent, onAccepted, onStop } = startedHeartbeats(() => answer, { automatic });
      beats.heartbeat();
      beats.heartbeat();
      await clock.advance(0);
      expect(onStop.mock.calls).toEqual([[answer]]);
      expect(clock.liveTimers).toBe(0);
      beats.heartbeat();
      await clock.advance(10 * MINUTE_MS);
      beats.stop();
      expect(sent).toHaveLength(1);
      expect(onStop).toHaveBeenCalledTimes(1);
      expect(onAccepted).not.toHaveBeenCalled();
      // The request has come to its end by itself.
      expect(sent[0]?.signal.aborted).toBe(false);
    },
  );
});

describe("failures", () => {
  it("are tried again, ever more slowly, with the newest progress", async () => {
    const { beats, clock, times, counts, onAccepted } = startedHeartbeats((_, count) =>
      count < 9 ? networkDown() : GO_ON,
    );
    beats.heartbeat({ current: 0 });
    for (let current = 1; current <= 60; current++) {
      await clock.advance(SECOND_MS);
      beats.heartbeat({ current });
    }
    expect(times().slice(0, 9)).toEqual([0, 250, 750, 1750, 3750, 7750, 15_750, 25_750, 35_750]);
    expect(counts().slice(0, 9)).toEqual([0, 0, 0, 1, 3, 7, 15, 25, 35]);
    expect(times().slice(9)).toEqual([45_750, 55_750]);
    expect(onAccepted).toHaveBeenCalledTimes(3);
  });

  it("are tried again by themselves, until the run ends", async () => {
    const { beats, clock, times } = startedHeartbeats(networkDown);
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    const count = times().length;
    expect(count).toBeGreaterThan(8);
    beats.stop();
    await clock.advance(MINUTE_MS);
    expect(times()).toHaveLength(count);
    expect(clock.liveTimers).toBe(0);
  });

  it("are tried again faster when there is little time, but not for ever faster", async () => {
    const { beats, clock, times } = startedHeartbeats(networkDown, { timeoutMs: 3000 });
    beats.heartbeat();
    await clock.advance(5000);
    expect(times()).toEqual([0, 250, 750, 1750, 2750, 3750, 4750]);
    // The lease is over, and nobody has ended the run.
    await clock.advance(LEASE_MS);
    const before = times().length;
    await clock.advance(10_000);
    expect(times().length - before).toBe(10);
  });

  it.each([
    // what the error asks for, when it is tried again
    [5000, 5000],
    [100, 250],
    [0, 250],
    // not longer than half of what is left
    [40_000, 15_000],
    [Number.POSITIVE_INFINITY, 15_000],
    [-1, 250],
    [Number.NaN, 250],
    ["7", 250],
  ])("leave the engine alone for as long as it asks, within reason: %s ms", async (retryAfterMs, retriedAt) => {
    const error = new HeartbeatError("busy", { status: 503, retryAfterMs: retryAfterMs as number });
    const { beats, clock, times } = startedHeartbeats((_, count) => (count === 1 ? Promise.reject(error) : GO_ON));
    beats.heartbeat();
    await clock.advance(0);
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, retriedAt]);
  });

  it("leave the engine alone for a minute at most, where nothing runs out", async () => {
    const error = new HeartbeatError("busy", { retryAfterMs: 1e300 });
    const left = { timeoutMs: undefined, leaseLeftMs: () => Number.POSITIVE_INFINITY };
    const { beats, clock, times } = startedHeartbeats(fail(error), left);
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, MINUTE_MS]);
  });

  it("start anew after a success", async () => {
    const { beats, clock, times } = startedHeartbeats((_, count) => (count % 4 === 0 ? GO_ON : networkDown()));
    beats.heartbeat();
    await clock.advance(5000);
    expect(times()).toEqual([0, 250, 750, 1750]);
    beats.heartbeat();
    await clock.advance(9000);
    expect(times().slice(4)).toEqual([11_750, 12_000, 12_500, 13_500]);
  });

  it("are logged each, at warn as their number doubles, and so is the end of them", async () => {
    const error = new HeartbeatError("The heartbeat was answered with status 503.", { status: 503 });
    const { beats, clock, logger } = startedHeartbeats((_, count) => (count <= 9 ? Promise.reject(error) : GO_ON));
    beats.heartbeat();
    await clock.advance(2 * MINUTE_MS);
    const failure = (failures: number, level: keyof Logger) => ({
      level,
      fields: { error: error.message, status: 503, failures },
      message: "A heartbeat failed and is tried again.",
    });
    const levels = ["warn", "warn", "debug", "warn", "debug", "debug", "debug", "warn", "debug"] as const;
    expect(logger.lines).toEqual([
      ...levels.map((level, index) => failure(index + 1, level)),
      { level: "info", fields: { failures: 9 }, message: "Heartbeats reach the engine again." },
    ]);
  });

  it.each([
    [
      "of our own",
      new HeartbeatError("The heartbeat was answered with status 403.", { status: 403, retryable: false }),
      403,
    ],
    ["of a refused endpoint", new HeartbeatEndpointError("a backslash"), undefined],
    ["of another sender", Object.assign(new TypeError("hush"), { retryable: false }), undefined],
  ])("for good are logged once, and end the heartbeats: %s", async (_, error, status) => {
    const { beats, clock, sent, logger, onStop, onAccepted } = startedHeartbeats(fail(error), { automatic: true });
    beats.heartbeat();
    beats.heartbeat();
    await clock.advance(0);
    expect(clock.liveTimers).toBe(0);
    beats.heartbeat();
    await clock.advance(10 * MINUTE_MS);
    expect(sent).toHaveLength(1);
    expect(logger.lines).toEqual([
      {
        level: "error",
        fields: { error: error.name === "TypeError" ? "TypeError" : error.message, ...(status && { status }) },
        message: "A heartbeat failed for good. No more are sent in this run.",
      },
    ]);
    expect(onStop).not.toHaveBeenCalled();
    expect(onAccepted).not.toHaveBeenCalled();
  });

  it.each<[string, () => never, string]>([
    ["an error with a secret", fail(new RangeError("hush")), "RangeError"],
    ["text", fail("hush"), "string"],
    ["nothing", fail(undefined), "undefined"],
    ["null", fail(null), "object"],
    ["a proxy", fail(angryProxy()), "object"],
    ["a revoked proxy", fail(revokedProxy()), "object"],
  ])("of senders that throw, sooner or later, are like any other: %s", async (_, thrower, name) => {
    const { beats, clock, times, logger } = startedHeartbeats((_heartbeat, count) =>
      count === 1 ? thrower() : count === 2 ? Promise.resolve().then(thrower) : GO_ON,
    );
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, 250, 750]);
    expect(logger.lines.map(({ fields }) => fields["error"])).toEqual([name, name, undefined]);
    expect(JSON.stringify(logger.lines)).not.toContain("hush");
  });

  it.each([
    ["nothing", undefined],
    ["an empty object", {}],
    ["text", "ok"],
    ["a canContinue that is no boolean", { ...GO_ON, canContinue: "yes" }],
    ["a proxy", angryProxy()],
    ["a revoked proxy", revokedProxy()],
  ])("are answers that are none: %s", async (_, answer) => {
    const { beats, clock, times, onAccepted, onStop } = startedHeartbeats((_heartbeat, count) =>
      count === 1 ? (answer as HeartbeatAnswer) : GO_ON,
    );
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(times()).toEqual([0, 250]);
    expect(onAccepted).toHaveBeenCalledTimes(1);
    expect(onStop).not.toHaveBeenCalled();
  });

  it.each([
    [30_000, 15_000],
    [3000, 1500],
    [300, 1000],
  ])("with a timeout of %d ms are requests without an answer after %d ms", async (timeoutMs, limitMs) => {
    const late = deferred<HeartbeatAnswer>();
    const { beats, clock, sent, times, logger, onStop } = startedHeartbeats(
      (_, count) => (count === 1 ? late.promise : GO_ON),
      { timeoutMs },
    );
    beats.heartbeat();
    await clock.advance(limitMs - 1);
    expect(sent[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(logger.lines[0]?.fields["error"]).toBe(`The heartbeat was not answered within ${limitMs} ms.`);
    await clock.advance(250);
    expect(times()).toEqual([0, limitMs + 250]);
    // What it says after all is of no interest.
    late.resolve(STOP);
    await clock.advance(MINUTE_MS);
    expect(onStop).not.toHaveBeenCalled();
    expect(clock.liveTimers).toBe(0);
  });
});

describe("automatic heartbeats", () => {
  const automatic = true;

  it.each([
    // heartbeat timeout, when they go out
    [30_000, [10_000, 20_000, 30_000]],
    [3000, [1000, 2000, 3000]],
    [90_000, [30_000, 60_000, 90_000]],
    [undefined, [100_000, 200_000, 300_000]],
    [900_000, [100_000, 200_000, 300_000]],
  ])("go out every third of a timeout of %s ms or of the lease", async (timeoutMs, expected) => {
    const { clock, times, sent } = startedHeartbeats(() => GO_ON, { automatic, timeoutMs });
    await clock.advance(expected.at(-1) ?? 0);
    expect(times()).toEqual(expected);
    expect(sent[0]?.progress).toBeUndefined();
    expect(clock.liveTimers).toBe(1);
  });

  it("go out every 100 s where nothing runs out, so that a cancellation is heard of", async () => {
    const left = { timeoutMs: undefined, leaseLeftMs: () => Number.POSITIVE_INFINITY };
    const { clock, times } = startedHeartbeats(() => GO_ON, { automatic, ...left });
    await clock.advance(200_000);
    expect(times()).toEqual([100_000, 200_000]);
  });

  it("start by what is left of a lease that is nearly over, then go by the renewed one", async () => {
    const { clock, times } = startedHeartbeats(() => GO_ON, { automatic, timeoutMs: undefined }, 6000);
    await clock.advance(210_000);
    expect(times()).toEqual([2000, 102_000, 202_000]);
  });

  it("repeat the last progress, and wait for a third after the handler's own", async () => {
    const { beats, clock, times, counts } = startedHeartbeats(() => GO_ON, { automatic, timeoutMs: 90_000 });
    await clock.advance(20_000);
    beats.heartbeat({ current: 1 });
    await clock.advance(30_000);
    await clock.advance(5000);
    beats.heartbeat({ current: 2 });
    await clock.advance(40_000);
    expect(times()).toEqual([20_000, 50_000, 60_000, 90_000]);
    expect(counts()).toEqual([1, 1, 2, 2]);
  });

  it("are tried again when they fail, and go on", async () => {
    const { clock, times } = startedHeartbeats((_, count) => (count === 1 ? networkDown() : GO_ON), { automatic });
    await clock.advance(21_000);
    expect(times()).toEqual([10_000, 10_250, 20_250]);
  });

  it("end with the run", async () => {
    const { beats, clock, sent } = startedHeartbeats(() => GO_ON, { automatic });
    beats.stop();
    expect(clock.liveTimers).toBe(0);
    await clock.advance(MINUTE_MS);
    expect(sent).toEqual([]);
  });
});

describe("stop", () => {
  it("takes down the timer of what waits", async () => {
    const { beats, clock, sent } = startedHeartbeats();
    beats.heartbeat();
    await clock.advance(0);
    beats.heartbeat();
    expect(clock.liveTimers).toBe(1);
    beats.stop();
    beats.stop();
    expect(clock.liveTimers).toBe(0);
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(sent).toHaveLength(1);
  });

  it.each<[string, (late: ReturnType<typeof deferred<HeartbeatAnswer>>) => void]>([
    ["accepted", (late) => late.resolve(GO_ON)],
    ["the end of the attempt", (late) => late.resolve(STOP)],
    ["a failure", (late) => late.reject(new HeartbeatError("x"))],
    ["a failure for good", (late) => late.reject(new HeartbeatError("x", { retryable: false }))],
  ])("calls off what is on its way, and does not care what becomes of it: %s", async (_, settleLate) => {
    const late = deferred<HeartbeatAnswer>();
    const { beats, clock, sent, logger, onAccepted, onStop } = startedHeartbeats(() => late.promise, {
      automatic: true,
    });
    beats.heartbeat();
    beats.stop();
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(clock.liveTimers).toBe(0);
    settleLate(late);
    await clock.advance(MINUTE_MS);
    expect(sent).toHaveLength(1);
    expect(onAccepted).not.toHaveBeenCalled();
    expect(onStop).not.toHaveBeenCalled();
    expect(logger.lines).toEqual([]);
  });

  it.each([[GO_ON], [STOP]])("may be called by what a heartbeat calls back: %j", async (answer) => {
    const stop = vi.fn<() => void>(() => beats.stop());
    const { beats, clock, sent } = startedHeartbeats(() => answer, { automatic: true, onAccepted: stop, onStop: stop });
    beats.heartbeat();
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(stop).toHaveBeenCalledTimes(1);
    expect(sent).toHaveLength(1);
    expect(clock.liveTimers).toBe(0);
  });

  it("may be called by the sender, in the midst of sending", async () => {
    const { beats, clock, sent, onAccepted } = startedHeartbeats(() => {
      beats.heartbeat({ current: 2 });
      beats.stop();
      return GO_ON;
    });
    beats.heartbeat({ current: 1 });
    await clock.advance(MINUTE_MS);
    expect(sent).toHaveLength(1);
    expect(onAccepted).not.toHaveBeenCalled();
    expect(clock.liveTimers).toBe(0);
  });
});

describe("what others wrote", () => {
  const callbacks: readonly (readonly [when: string, callback: () => unknown])[] = [
    ["at once", fail(new Error("angry"))],
    ["later", () => Promise.reject(new Error("late"))],
    ["by a proxy", angryProxy],
  ];

  it.each(callbacks)("may throw %s without stopping the heartbeats", async (_, callback) => {
    const { beats, clock, sent } = startedHeartbeats((_heartbeat, count) => (count % 2 === 1 ? networkDown() : GO_ON), {
      logger: loggerThat(callback),
      leaseLeftMs: fail(new Error("angry")),
      onAccepted: callback,
    });
    for (let minute = 0; minute < 3; minute++) {
      beats.heartbeat({ current: -1 });
      await clock.advance(MINUTE_MS);
    }
    expect(sent).toHaveLength(6);
  });

  it.each(callbacks)("may throw %s when told of the end", async (_, callback) => {
    const { beats, clock, sent } = startedHeartbeats(() => STOP, { onStop: callback, logger: loggerThat(callback) });
    beats.heartbeat({ current: -1 });
    await clock.advance(MINUTE_MS);
    beats.heartbeat();
    expect(sent).toHaveLength(1);
    expect(clock.liveTimers).toBe(0);
  });

  it.each(callbacks)("may throw %s when a heartbeat has failed for good", async (_, callback) => {
    const error = new HeartbeatError("x", { retryable: false });
    const { beats, clock } = startedHeartbeats(fail(error), { logger: loggerThat(callback) });
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(clock.liveTimers).toBe(0);
  });
});

describe("whatever happens", () => {
  type Step =
    | { readonly kind: "heartbeat"; readonly current: number }
    | { readonly kind: "advance"; readonly ms: number }
    | { readonly kind: "answer"; readonly outcome: "accept" | "refuse" | "fail" };

  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant("heartbeat" as const), current: fc.nat() }),
    fc.record({ kind: fc.constant("advance" as const), ms: fc.oneof(fc.nat(500), fc.nat(20_000)) }),
    fc.record({
      kind: fc.constant("answer" as const),
      outcome: fc.constantFrom("accept" as const, "accept" as const, "refuse" as const, "fail" as const),
    }),
  );

  it("one is on its way at most, none too early, the last value arrives, and nothing is left behind", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.boolean(),
        fc.constantFrom(undefined, 3000, 60_000),
        async (steps, automatic, timeoutMs) => {
          let pending: ReturnType<typeof deferred<HeartbeatAnswer>> | undefined;
          let accepted: SentHeartbeat | undefined;
          let onItsWay: SentHeartbeat | undefined;
          const complaints: string[] = [];
          const { beats, clock, sent } = startedHeartbeats(
            (heartbeat) => {
              // What a sender throws is swallowed, so that complaints are kept.
              if (onItsWay !== undefined && !onItsWay.signal.aborted) complaints.push("two on their way");
              const sinceAccepted = heartbeat.at - (accepted?.at ?? Number.NEGATIVE_INFINITY);
              if (sinceAccepted < Math.min(timeoutMs ?? 30_000, 30_000) / 3)
                complaints.push(`after ${sinceAccepted} ms`);
              onItsWay = heartbeat;
              pending = deferred();
              return pending.promise;
            },
            { automatic, timeoutMs },
          );
          const answer = async (outcome: "accept" | "refuse" | "fail"): Promise<void> => {
            if (pending === undefined || onItsWay === undefined) return;
            if (!onItsWay.signal.aborted && outcome !== "fail") accepted = onItsWay;
            if (outcome === "fail") pending.reject(new HeartbeatError("x"));
            else pending.resolve({ ...GO_ON, progressRefused: outcome === "refuse" });
            [pending, onItsWay] = [undefined, undefined];
            await clock.advance(0);
          };

          let last: number | undefined;
          for (const one of steps) {
            if (one.kind === "heartbeat") beats.heartbeat({ current: (last = one.current) });
            else if (one.kind === "advance") await clock.advance(one.ms);
            else await answer(one.outcome);
            expect(clock.liveTimers).toBeLessThanOrEqual(1);
          }
          // From here on the engine takes everything: what was said last gets there.
          for (let round = 0; round < 3; round++) {
            await answer("accept");
            await clock.advance(MINUTE_MS / 3);
          }
          if (last !== undefined && !steps.some((one) => one.kind === "answer" && one.outcome === "refuse")) {
            expect(sent.at(-1)?.progress).toEqual({ current: last });
          }
          beats.stop();
          expect(clock.liveTimers).toBe(0);
          const { length } = sent;
          await clock.advance(10 * MINUTE_MS);
          expect(sent).toHaveLength(length);
          expect(complaints).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
