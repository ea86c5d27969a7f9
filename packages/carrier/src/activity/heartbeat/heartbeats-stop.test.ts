import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  deferred,
  GO_ON,
  MINUTE_MS,
  type SentHeartbeat,
  STOP,
  startedHeartbeats,
} from "../../../test/support/started-heartbeats.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import type { HeartbeatAnswer } from "../../protocol/heartbeat.js";
import { HeartbeatError } from "./heartbeat-sender.js";

forbidUnhandledRejections();

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
