import { PLAIN_START, PLAIN_WORKER } from "@durable-workflow/test-support/store-records";
import { expect, it, vi } from "vitest";
import { bareEngine } from "../../test/support/bare-engine.js";
import { FakeClock, settle } from "../../test/support/fake-clock.js";
import type { EngineContext } from "./context.js";
import type { LeaseOut } from "./leases.js";
import { type PollOutcome, Polls } from "./polls.js";
import { registerWorker } from "./registrations.js";
import { failTask, type ReportedFailure } from "./reports.js";
import { startActivity } from "./starts.js";

const LONG_MS = 1_000_000;
const OTHERS = 30;
const FAILURE: ReportedFailure = {
  message: "no",
  type: null,
  exceptionClass: "RuntimeException",
  code: 0,
  nonRetryable: false,
  stackTrace: null,
};

/** Polls that wait at one queue, each of a worker of its own. */
async function waiting() {
  const clock = new FakeClock();
  const context: EngineContext = bareEngine({ clock });
  const polls = new Polls(context, { maxWaitingPolls: 100, longPollSeconds: 30 });
  const outcomes = new Map<string, PollOutcome>();
  const poll = async (workerId: string, activityTypes: readonly string[], maxTasks = 1): Promise<void> => {
    const request = { ...PLAIN_WORKER, workerId, activityTypes };
    const worker = await context.store.transact(() => registerWorker(context, request));
    void polls
      .poll({ worker, pollRequestId: null, maxTasks }, LONG_MS, () => undefined)
      .then((outcome) => {
        outcomes.set(workerId, outcome);
      });
    await settle();
  };
  const start = (activityType: string, input: string | null = null, policy = PLAIN_START.policy): void => {
    void context.store.transact(() => startActivity(context, { ...PLAIN_START, activityType, input, policy }));
  };
  /** How often a transaction was asked for meanwhile. */
  const transactions = async (run: () => unknown): Promise<number> => {
    const transact = vi.spyOn(context.store, "transact");
    await run();
    await settle();
    const count = transact.mock.calls.length;
    transact.mockRestore();
    return count;
  };
  return { context, clock, polls, outcomes, poll, start, transactions };
}

it("tasks that are left by an answer that was full wake as many polls as take them, not all that wait", async () => {
  const { outcomes, poll, start, transactions } = await waiting();
  await poll("several", ["t"], 4);
  for (let count = 0; count < OTHERS; count++) await poll(`one-${count}`, ["t"]);
  for (let count = 0; count < OTHERS; count++) await poll(`other-${count}`, ["u"]);
  const large = "A".repeat(20_000);
  const asked = await transactions(() => {
    for (let count = 0; count < 4; count++) start("t", large);
  });
  // One large argument ends an answer: the three others go to three polls, and a fourth may look in vain.
  expect([...outcomes.keys()].toSorted()).toEqual(["one-0", "one-1", "one-2", "several"]);
  expect(asked).toBeLessThanOrEqual(4 + 5);
});

it("tasks whose time has come wake as many polls as take them, and those who wait go on being woken", async () => {
  const { context, clock, outcomes, poll, start, transactions } = await waiting();
  await poll("first", ["t"], 3);
  const policy = { ...PLAIN_START.policy, maxAttempts: 2, backoffSeconds: [5] };
  for (let count = 0; count < 3; count++) start("t", null, policy);
  await settle();
  const given = outcomes.get("first");
  if (given?.kind !== "leased") throw new Error("nothing was leased");
  const [early, ...late] = [given.first, ...given.others];
  const fail = (lease: LeaseOut): void => {
    const { namespace, state } = lease.run;
    const claimant = { namespace, taskId: state.task.id, attemptId: lease.attemptId, leaseOwner: "first" };
    void context.store.transact(() => failTask(context, claimant, FAILURE, null));
  };
  for (const lease of late) fail(lease);
  await settle();
  await clock.advance(1_000);
  if (early !== undefined) fail(early);
  await settle();
  for (let count = 0; count < OTHERS; count++) await poll(`one-${count}`, count % 2 === 0 ? ["t"] : ["u"]);
  expect(await transactions(() => clock.advance(4_001))).toBeLessThanOrEqual(5);
  expect([...outcomes.keys()]).toEqual(["first", "one-0", "one-2"]);
  expect(await transactions(() => clock.advance(1_001))).toBeLessThanOrEqual(5);
  expect([...outcomes.keys()]).toEqual(["first", "one-0", "one-2", "one-4"]);
});

it("a poll of two types that is given a task of one leaves none of the other waiting", async () => {
  const { context, outcomes, poll, start, transactions } = await waiting();
  await poll("gone", ["t"]);
  start("t");
  await settle();
  expect(outcomes.get("gone")).toMatchObject({ kind: "leased" });
  await poll("both", ["t", "u"]);
  await poll("t-only", ["t"]);
  await poll("u-only", ["u"]);
  await transactions(() => {
    // Woken for this, "both" is given what comes back to a place before it.
    start("u");
    void context.store.transact(() =>
      registerWorker(context, { ...PLAIN_WORKER, workerId: "gone", activityTypes: ["t"] }),
    );
  });
  const kinds = ["both", "u-only"].map((name) => outcomes.get(name)?.kind);
  expect(kinds).toEqual(["leased", "leased"]);
});
