import { Client, type Held } from "@durable-workflow/test-support/engine-client";
import fc from "fast-check";
import { expect, it } from "vitest";
import { dueAction } from "../src/engine/deadlines.js";
import type { Activity, RetryPolicy } from "../src/engine/model.js";
import { claim, complete, expireLease, fail, heartbeat, start, stop, timeOut } from "../src/engine/transitions.js";
import { createLocalEngine } from "../src/index.js";
import { FakeClock } from "./support/fake-clock.js";

/**
 * The whole engine, over HTTP and through the database, against the state machine alone: whatever workers, operators and
 * time do to an activity, what is told of it is what the state machine says.
 */
type Step =
  | { readonly do: "poll" }
  | { readonly do: "heartbeat" }
  | { readonly do: "complete" }
  | { readonly do: "cancel" }
  | { readonly do: "terminate" }
  | { readonly do: "fail"; readonly type: string | null; readonly nonRetryable: boolean }
  | { readonly do: "wait"; readonly seconds: number };

const LEASE_SECONDS = 100;
const FREE = 1;
const S = 1_000_000;

const seconds = fc.option(fc.integer({ min: 5, max: 300 }), { nil: null, freq: 2 });
const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  backoffSeconds: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 3 }),
  nonRetryableErrorTypes: fc.constantFrom<readonly string[]>([], ["Fatal"]),
  startToCloseSeconds: seconds,
  scheduleToStartSeconds: seconds,
  scheduleToCloseSeconds: seconds,
  heartbeatSeconds: seconds,
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>({ do: "poll" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "heartbeat" }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "complete" }, { do: "cancel" }, { do: "terminate" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      type: fc.constantFrom(null, "Fatal", "Passing"),
      nonRetryable: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 120 }) }) },
);

it("the engine does what the state machine says", async () => {
  const clock = new FakeClock();
  const engine = createLocalEngine({
    file: ":memory:",
    longPollSeconds: 0,
    leaseSeconds: LEASE_SECONDS,
    freeRedeliveries: FREE,
    clock,
  });
  const { url } = await engine.listen();
  const client = new Client(url);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(policies, fc.array(steps, { maxLength: 25 }), async (policy, script) => {
      const id = `a${runs}`;
      const queue = `q${runs++}`;
      await client.register("w", queue, ["t"]);
      await client.started("t", queue, { activity_id: id, ...startFields(policy) });
      let state = start(policy, "task", clock.now() * 1000);
      let held: Held | undefined;
      for (const step of script) {
        const now = clock.now() * 1000;
        const isHeld = state.attempt !== null;
        switch (step.do) {
          case "poll": {
            const taken = await client.take("w", queue);
            const isReady = state.task.status === "ready" && state.task.availableAt <= now;
            expect(taken !== undefined).toBe(isReady);
            if (taken === undefined) break;
            held = taken;
            state = claim(state, { attemptId: taken.attemptId, owner: "w", now, lease: LEASE_SECONDS * S });
            break;
          }
          case "cancel":
          case "terminate": {
            const { status } = await client.call("POST", `/api/workflows/${id}/${step.do}`, {});
            expect(status).toBe(state.status === "running" ? 200 : 409);
            if (status === 200) state = stop(state, step.do === "cancel" ? "cancelled" : "terminated", now);
            break;
          }
          case "wait":
            // Just past whole seconds: instants within a millisecond are told apart by fractions.
            state = await pass(clock, state, step.seconds);
            break;
          case "heartbeat":
          case "complete":
          case "fail": {
            if (held === undefined) break;
            const more = step.do === "fail" ? { failure: failureOf(step) } : {};
            const { status, body } = await client.report(step.do, held, more);
            const taken = step.do === "heartbeat" ? body.can_continue : status === 200;
            expect(taken).toBe(isHeld);
            if (!isHeld) break;
            if (step.do === "heartbeat") state = heartbeat(state, now, LEASE_SECONDS * S);
            else if (step.do === "complete") state = complete(state, now);
            else state = fail(state, step, "next", now).activity;
          }
        }
        expect(seen(await client.describe(id))).toEqual(expected(state));
      }
      const history = await client.history(id);
      expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, index) => index + 1));
      expect(history).toHaveLength(state.historyLength);
    }),
    { numRuns: 120 },
  );
  await engine.close();
});

/** Lets time go by, here and there, in steps in which no two things fall due together. */
async function pass(clock: FakeClock, before: Activity, duration: number): Promise<Activity> {
  let state = before;
  for (let second = 0; second < duration; second++) {
    await clock.advance(1001);
    const now = clock.now() * 1000;
    const action = dueAction(state, now);
    if (action?.kind === "time_out") state = timeOut(state, action.deadline, `next ${now}`, now).activity;
    else if (action !== undefined) state = expireLease(state, FREE, `next ${now}`, now).activity;
  }
  return state;
}

function failureOf({ type, nonRetryable }: { readonly type: string | null; readonly nonRetryable: boolean }): object {
  return { message: "no", type, non_retryable: nonRetryable, details: null };
}

function startFields(policy: RetryPolicy): object {
  return {
    retry_policy: {
      max_attempts: policy.maxAttempts,
      backoff_seconds: policy.backoffSeconds,
      non_retryable_error_types: policy.nonRetryableErrorTypes,
    },
    start_to_close_timeout_seconds: policy.startToCloseSeconds,
    schedule_to_start_timeout_seconds: policy.scheduleToStartSeconds,
    schedule_to_close_timeout_seconds: policy.scheduleToCloseSeconds,
    heartbeat_timeout_seconds: policy.heartbeatSeconds,
  };
}

const seen = (body: Record<string, unknown>): unknown => [
  body["status"],
  body["activity_status"],
  body["closed_reason"],
  body["attempt_count"],
];

const expected = (state: Activity): unknown => [
  state.status,
  state.activityStatus,
  state.closedReason,
  state.attemptCount,
];
