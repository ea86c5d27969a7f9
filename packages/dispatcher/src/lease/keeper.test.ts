import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { FakeClock, NOON } from "@durable-workflow/test-support/clock";
import { describe, expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import type { HeartbeatOutcome } from "../engine/outcomes.js";
import { ServerClock } from "../engine/server-clock.js";
import { type LeaseEnd, LeaseKeeper } from "./keeper.js";

const LEASE_MS = 300_000;
const unavailable: HeartbeatOutcome = {
  kind: "unavailable",
  why: "unreachable",
  status: null,
  retryAfterMs: undefined,
  mayHaveActed: true,
};

function keep(
  answers: (beat: number, clock: FakeClock) => HeartbeatOutcome,
  changes: Partial<LeasedTask> = {},
  random = () => 0,
) {
  const clock = new FakeClock();
  const beats: number[] = [];
  const ends: LeaseEnd[] = [];
  const keeper = new LeaseKeeper({
    clock,
    client: {
      serverClock: new ServerClock(clock),
      renewLease: () => Promise.reject(new Error("nothing grants a renewal here")),
      heartbeat: () => {
        beats.push((clock.now() - NOON) / 1000);
        return Promise.resolve(answers(beats.length, clock));
      },
    },
    task: leasedTask({ leaseExpiresAtMs: NOON + LEASE_MS, ...changes }),
    random,
    onEnd: (end) => ends.push(end),
  });
  keeper.start();
  return { clock, beats, ends, keeper };
}

const renewed = (_: number, clock: FakeClock): HeartbeatOutcome => ({
  kind: "continue",
  leaseExpiresAtMs: clock.now() + LEASE_MS,
});

describe("heartbeats", () => {
  it("come at a third of what is left of the lease", async () => {
    const short = (_: number, now: FakeClock): HeartbeatOutcome => ({
      kind: "continue",
      leaseExpiresAtMs: now.now() + 15_000,
    });
    const { clock, beats, ends } = keep(short, { leaseExpiresAtMs: NOON + 15_000 });
    await clock.advance(22_000);
    expect(beats).toEqual([5, 10, 15, 20]);
    expect(ends).toEqual([]);
  });

  it("come often enough for a cancellation to be heard of within ten seconds, however long the lease is", async () => {
    for (const random of [() => 0, () => 0.999]) {
      const { clock, beats, keeper } = keep(renewed, {}, random);
      await clock.advance(300_000);
      keeper.stop();
      const gaps = beats.map((beat, index) => beat - (beats[index - 1] ?? 0));
      expect(Math.max(...gaps)).toBeLessThan(9.5);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(7.5);
    }
  });

  it("come at a third of the heartbeat timeout where that is shorter, the first deadline included", async () => {
    const none = leasedTask().deadlines;
    const { clock, beats } = keep(renewed, {
      heartbeatTimeoutMs: 15_000,
      deadlines: { ...none, heartbeat: new Date(NOON + 9_000).toISOString() },
    });
    await clock.advance(20_000);
    expect(beats).toEqual([3, 8, 13, 18]);
  });

  it("come in time for a timeout that is shorter than what is known of the engine's clock", async () => {
    const clock = new FakeClock();
    const serverClock = new ServerClock(clock);
    // All that is known: it is somewhere in this second.
    serverClock.observe(new Date(NOON - 900).toUTCString(), clock.monotonic(), clock.monotonic());
    const beats: number[] = [];
    const keeper = new LeaseKeeper({
      clock,
      client: {
        serverClock,
        renewLease: () => Promise.reject(new Error("nothing grants a renewal here")),
        heartbeat: () => {
          beats.push(clock.now() - NOON);
          return Promise.resolve(renewed(0, clock));
        },
      },
      task: leasedTask({ leaseExpiresAtMs: NOON + LEASE_MS, heartbeatTimeoutMs: 300 }),
      onEnd: () => undefined,
    });
    keeper.start();
    await clock.advance(1_000);
    keeper.stop();
    expect(beats).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
  });

  it("end when told to, and leave no timer behind", async () => {
    const { clock, beats, keeper } = keep(renewed);
    await clock.advance(12_000);
    keeper.stop();
    expect(clock.liveTimers).toBe(0);
    await clock.advance(1_000_000);
    expect(beats).toEqual([7.5]);
  });

  it("that get no answer are repeated until the lease has surely run out", async () => {
    const { clock, beats, ends } = keep(() => unavailable);
    await clock.advance(400_000);
    expect(ends).toEqual([{ kind: "lost", reason: "lease_expired" }]);
    expect(beats.length).toBeGreaterThan(20);
    expect(beats.at(-1)).toBeLessThanOrEqual(300);
    expect(beats.at(-1)).toBeGreaterThan(299);
    expect(clock.liveTimers).toBe(0);
  });

  it("do not come in haste once the heartbeat timeout has passed in an outage", async () => {
    const { clock, beats } = keep(() => unavailable, { heartbeatTimeoutMs: 3_000 });
    await clock.advance(200_000);
    expect(beats[0]).toBe(1);
    expect(beats.length).toBeLessThan(120);
    expect(beats.filter((at) => at > 10 && at < 100).length).toBeLessThanOrEqual(18);
  });

  it("that got no answer for a while go on as before once there is one", async () => {
    const { clock, beats, ends } = keep((beat, now) => (beat <= 5 ? unavailable : renewed(beat, now)));
    await clock.advance(300_000);
    expect(ends).toEqual([]);
    expect(beats.slice(0, 7)).toEqual([7.5, 12.5, 17.5, 22.5, 27.5, 32.5, 40]);
  });

  it("wait as long as the engine asks, but never past what is left", async () => {
    const { clock, beats } = keep((beat) => ({ ...unavailable, retryAfterMs: beat === 1 ? 30_000 : 1_000_000 }));
    await clock.advance(299_000);
    expect(beats.slice(0, 2)).toEqual([7.5, 37.5]);
    expect(beats.length).toBeGreaterThan(5);
  });

  it.each<[HeartbeatOutcome, LeaseEnd]>([
    [
      { kind: "stop", reason: "run_cancelled", cancelRequested: true, runClosed: true },
      { kind: "stopped", reason: "run_cancelled", cancelRequested: true, runClosed: true },
    ],
    [
      { kind: "lost", reason: "lease_owner_mismatch" },
      { kind: "lost", reason: "lease_owner_mismatch" },
    ],
  ])("answered with %o end the task, once", async (outcome, end) => {
    const { clock, beats, ends, keeper } = keep(() => outcome);
    await clock.advance(1_000_000);
    expect(beats).toEqual([7.5]);
    expect(ends).toEqual([end]);
    expect(keeper.ended).toEqual(end);
  });
});
