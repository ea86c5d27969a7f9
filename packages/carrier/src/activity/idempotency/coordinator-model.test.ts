import fc from "fast-check";
import { expect, it } from "vitest";
import { settle } from "../../../test/support/fake-clock.js";
import {
  type AskedTask,
  DECLINED,
  DONE,
  GATEWAY_DOWN,
  LEASE_MS,
  NO_TRACES,
  sharedStore,
} from "../../../test/support/keyed-tasks.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import type { TaskOutcome } from "../run/failures.js";

forbidUnhandledRejections();

/** Mostly those that leave something to be done. */
const OUTCOMES = [DONE, DECLINED, GATEWAY_DOWN, GATEWAY_DOWN, GATEWAY_DOWN, GATEWAY_DOWN];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("ask"), process: fc.nat(2), pause: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("end"), task: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("finish"), outcome: fc.constantFrom(...OUTCOMES) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.integer({ min: 1, max: 25_000 }) }) },
);

/** What happened to one task of the test. */
interface Followed {
  readonly task: AskedTask;
  endedAt: number | undefined;
  finished: boolean;
}

it("runs one at a time, once for good, and answers all the same, whatever happens", async () => {
  let finals = 0;
  let reruns = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const { clock, carrier, traces } = sharedStore();
      const processes = [carrier(), carrier(), carrier()];
      const tasks: Followed[] = [];
      const inHand = () => tasks.filter(({ task, finished }) => task.ran > 0 && !finished);
      const everRan = () => tasks.reduce((sum, { task }) => sum + task.ran, 0);
      let final: { readonly outcome: TaskOutcome; readonly runs: number } | undefined;

      const finish = async (followed: Followed, outcome: TaskOutcome): Promise<void> => {
        followed.finished = true;
        // What fails after its task was answered may be no more than how the handler stopped.
        const isFinal = outcome === DONE || (outcome === DECLINED && followed.endedAt === undefined);
        if (isFinal) final = { outcome, runs: everRan() };
        await followed.task.finish(outcome);
      };
      const advance = async (ms: number): Promise<void> => {
        // A handler that outlives its task by more than a lease may be overlapped: that is another test's matter.
        const limits = inHand().map(({ endedAt }) => (endedAt ?? Infinity) + LEASE_MS - 1 - clock.now());
        await clock.advance(Math.min(ms, ...limits));
      };

      for (const call of steps) {
        switch (call.do) {
          case "ask":
            tasks.push({ task: processes[call.process]!.ask(), endedAt: undefined, finished: false });
            if (call.pause) await settle();
            break;
          case "end": {
            const followed = tasks[call.task];
            if (followed === undefined || followed.endedAt !== undefined || followed.task.outcome !== undefined) break;
            followed.endedAt = clock.now();
            followed.task.end();
            break;
          }
          case "finish": {
            const [followed] = inHand();
            if (followed !== undefined) await finish(followed, call.outcome);
            break;
          }
          case "advance":
            await advance(call.ms);
        }
        expect(inHand().length).toBeLessThanOrEqual(1);
        if (final !== undefined) expect(everRan()).toBe(final.runs);
      }

      // Until everybody has an answer.
      await settle();
      for (let rounds = 0; tasks.some(({ task }) => task.outcome === undefined); rounds++) {
        expect(rounds).toBeLessThan(100);
        const [followed] = inHand();
        if (followed !== undefined) await finish(followed, DONE);
        await advance(1000);
        expect(inHand().length).toBeLessThanOrEqual(1);
      }
      if (final !== undefined) {
        finals++;
        expect(everRan()).toBe(final.runs);
        const late = tasks.filter(({ task, endedAt }) => task.ran === 0 && endedAt === undefined);
        for (const { task } of late) if (task.outcome !== GATEWAY_DOWN) expect(task.outcome).toEqual(final.outcome);
      }
      if (everRan() > 1) reruns++;
      expect(traces()).toEqual(NO_TRACES);
    }),
    { numRuns: 300 },
  );
  // The steps above must have come to what they are about.
  expect(finals).toBeGreaterThan(100);
  expect(reruns).toBeGreaterThan(30);
});
