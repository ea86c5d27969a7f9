import { describe, expect, it } from "vitest";
import { angryProxy, revokedProxy, withAngryGetters } from "../../../test/support/hostile.js";
import {
  deferred,
  GO_ON,
  LEASE_MS,
  MINUTE_MS,
  networkDown,
  STOP,
  startedHeartbeats,
  throwing,
} from "../../../test/support/started-heartbeats.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import type { HeartbeatAnswer } from "../../protocol/heartbeat.js";
import { HeartbeatEndpointError } from "../../protocol/heartbeat-endpoint.js";
import type { Logger } from "../logger.js";
import { HeartbeatError } from "./heartbeat-sender.js";

forbidUnhandledRejections();

function loggerThat(callback: () => void): Logger {
  return { debug: callback, info: callback, warn: callback, error: callback };
}

describe("failures", () => {
  it("are tried again, ever more slowly, with the newest progress", async () => {
    const { beats, clock, times, counts, onAccepted } = startedHeartbeats((_, count) =>
      count < 9 ? networkDown() : GO_ON,
    );
    beats.heartbeat({ current: 0 });
    for (let current = 1; current <= 60; current++) {
      await clock.advance(1000);
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
    const { beats, clock, times } = startedHeartbeats(throwing(error), left);
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
    const { beats, clock, sent, logger, onStop, onAccepted } = startedHeartbeats(throwing(error), { automatic: true });
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
    ["an error with a secret", throwing(new RangeError("hush")), "RangeError"],
    ["text", throwing("hush"), "string"],
    ["nothing", throwing(undefined), "undefined"],
    ["null", throwing(null), "object"],
    ["a proxy", throwing(angryProxy()), "object"],
    ["a revoked proxy", throwing(revokedProxy()), "object"],
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
    ["getters that throw", withAngryGetters({ ...GO_ON }, "progressRefused")],
  ])("are answers that are none: %s", async (_, answer) => {
    const { beats, clock, times, onAccepted, onStop } = startedHeartbeats(
      (_heartbeat, count) => (count === 1 ? (answer as HeartbeatAnswer) : GO_ON),
      { automatic: true },
    );
    beats.heartbeat();
    await clock.advance(10_000);
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

describe("what others wrote", () => {
  const callbacks: readonly (readonly [when: string, callback: () => unknown])[] = [
    ["at once", throwing(new Error("angry"))],
    ["later", () => Promise.reject(new Error("late"))],
    ["by a proxy", angryProxy],
  ];

  it.each(callbacks)("may throw %s without stopping the heartbeats", async (_, callback) => {
    const { beats, clock, sent } = startedHeartbeats((_heartbeat, count) => (count % 2 === 1 ? networkDown() : GO_ON), {
      logger: loggerThat(callback),
      leaseLeftMs: throwing(new Error("angry")),
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
    const { beats, clock } = startedHeartbeats(throwing(error), { logger: loggerThat(callback) });
    beats.heartbeat();
    await clock.advance(MINUTE_MS);
    expect(clock.liveTimers).toBe(0);
  });
});
