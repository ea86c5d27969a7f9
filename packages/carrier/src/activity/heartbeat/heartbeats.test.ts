import { describe, expect, it } from "vitest";
import { NOON } from "../../../test/support/fake-clock.js";
import { angryProxy, revokedProxy } from "../../../test/support/hostile.js";
import {
  deferred,
  GO_ON,
  LEASE_MS,
  MINUTE_MS,
  networkDown,
  STOP,
  startedHeartbeats,
} from "../../../test/support/started-heartbeats.js";
import type { HeartbeatAnswer } from "../../protocol/heartbeat.js";
import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";

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
      clock.block(1000);
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
