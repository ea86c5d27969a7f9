import { ONE_ATTEMPT } from "@durable-workflow/test-support/store-records";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueAction, dueAt } from "./deadlines.js";
import type { Activity, DeadlineKind, RetryPolicy } from "./model.js";
import { claim, complete, expireLease, fail, heartbeat, start, stop, timeOut } from "./transitions.js";

/**
 * The state machine against a small model of another shape: a log of what happened, from which every answer is worked out
 * afresh, in whole seconds.
 */
const S = 1_000_000;
const LEASE = 300;

const seconds = fc.option(fc.integer({ min: 1, max: 400 }), { nil: null });
const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  backoffSeconds: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 3 }),
  nonRetryableErrorTypes: fc.constantFrom<readonly string[]>([], ["Fatal"]),
  startToCloseSeconds: seconds,
  scheduleToStartSeconds: seconds,
  scheduleToCloseSeconds: seconds,
  heartbeatSeconds: seconds,
});

type Step =
  | { readonly do: "claim" }
  | { readonly do: "heartbeat" }
  | { readonly do: "complete" }
  | { readonly do: "cancelled" }
  | { readonly do: "terminated" }
  | { readonly do: "fail"; readonly type: string | null; readonly nonRetryable: boolean }
  | { readonly do: "wait"; readonly seconds: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ do: "claim" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "heartbeat" }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "complete" }, { do: "cancelled" }, { do: "terminated" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      type: fc.constantFrom(null, "Fatal", "Passing"),
      nonRetryable: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 350 }) }) },
);

/** Leases that may run out without counting. */
const FREE = 4;
/** Those after which the task comes back to its place. */
const IN_PLACE = 3;

/** The model: a list of entries, the last of which says where the activity stands. */
type Entry =
  | { readonly is: "queued"; readonly from: number; readonly startBy: number | null; readonly task: number }
  | { readonly is: "leased"; readonly since: number; readonly seen: number; readonly task: number }
  | { readonly is: "over"; readonly how: string };

class Model {
  readonly log: Entry[];
  attempts = 0;
  expiries = 0;
  readonly policy: RetryPolicy;

  constructor(policy: RetryPolicy) {
    this.policy = policy;
    this.log = [{ is: "queued", from: 0, startBy: policy.scheduleToStartSeconds, task: 1 }];
  }

  get last(): Entry {
    return this.log.at(-1) as Entry;
  }

  /** The first thing that happens by itself at or before `now`, and when. */
  next(now: number): { at: number; what: DeadlineKind | "lease" } | undefined {
    const { last, policy } = this;
    if (last.is === "over") return undefined;
    const all: { at: number; what: DeadlineKind | "lease" }[] = [];
    const add = (what: DeadlineKind | "lease", at: number | null): void => {
      if (at !== null && at <= now) all.push({ at, what });
    };
    if (policy.scheduleToCloseSeconds !== null && policy.scheduleToCloseSeconds <= now) {
      return { at: policy.scheduleToCloseSeconds, what: "schedule_to_close" };
    }
    if (last.is === "queued") add("schedule_to_start", last.startBy);
    else {
      add("start_to_close", policy.startToCloseSeconds && last.since + policy.startToCloseSeconds);
      add("heartbeat", policy.heartbeatSeconds && last.seen + policy.heartbeatSeconds);
      add("lease", last.seen + LEASE);
    }
    return all.toSorted((one, other) => one.at - other.at)[0];
  }

  happens(what: DeadlineKind | "lease", now: number): void {
    const { last } = this;
    if (last.is === "over") throw new Error("nothing happens to what is over");
    if (what === "lease") {
      if (this.expiries++ < FREE) {
        const queued = this.log.findLast(({ is }) => is === "queued") as Entry & { readonly is: "queued" };
        const from = this.expiries <= IN_PLACE ? queued.from : now;
        this.log.push({ is: "queued", from, startBy: null, task: last.task });
      } else this.setback(!this.policy.nonRetryableErrorTypes.includes("LeaseExpired"), "failed", now);
      return;
    }
    if (last.is === "queued") this.attempts++;
    this.setback(what !== "schedule_to_close", "timed_out", now);
  }

  setback(mayRetry: boolean, how: string, now: number): void {
    const { last, policy } = this;
    if (last.is === "over") throw new Error("over");
    if (!mayRetry || this.attempts >= policy.maxAttempts) {
      this.log.push({ is: "over", how });
      return;
    }
    const list = policy.backoffSeconds;
    const from = now + (list.length === 0 ? 0 : (list[Math.min(this.attempts - 1, list.length - 1)] ?? 0));
    const startBy = policy.scheduleToStartSeconds === null ? null : from + policy.scheduleToStartSeconds;
    this.log.push({ is: "queued", from, startBy, task: last.task + 1 });
  }
}

describe("the state machine", () => {
  it("agrees with a model that keeps a log", () => {
    fc.assert(
      fc.property(policies, fc.array(steps, { maxLength: 30 }), (policy, script) => {
        const model = new Model(policy);
        let activity = start(policy, "task-1", 0);
        let now = 0;
        let tasks = 1;
        const numbers: number[] = [];
        const nextTask = (): string => `task-${tasks + 1}`;
        const adopt = (next: Activity): void => {
          expect(next.historyLength).toBeGreaterThanOrEqual(activity.historyLength);
          if (next.task.id !== activity.task.id) tasks++;
          activity = next;
        };

        for (const step of script) {
          if (step.do === "wait") {
            now += step.seconds;
            for (let due = model.next(now); due !== undefined; due = model.next(now)) {
              const action = dueAction(activity, now * S);
              expect(action?.at).toBe(due.at * S);
              expect(action?.kind === "time_out" ? action.deadline : "lease").toBe(due.what);
              if (action?.kind === "time_out") adopt(timeOut(activity, action.deadline, nextTask(), now * S).activity);
              else adopt(expireLease(activity, FREE, nextTask(), now * S).activity);
              model.happens(due.what, now);
            }
            expect(dueAction(activity, now * S)).toBeUndefined();
          } else {
            const { last } = model;
            if (step.do === "claim") {
              if (last.is !== "queued" || last.from > now) {
                expect(() => claim(activity, { attemptId: "x", owner: "w", now: now * S, lease: LEASE * S })).toThrow();
                continue;
              }
              model.attempts++;
              model.log.push({ is: "leased", since: now, seen: now, task: last.task });
              const attemptId = `attempt-${model.attempts}`;
              adopt(claim(activity, { attemptId, owner: "w", now: now * S, lease: LEASE * S }));
              numbers.push(activity.attempt?.number ?? 0);
            } else if (step.do === "cancelled" || step.do === "terminated") {
              if (last.is === "over") continue;
              model.log.push({ is: "over", how: step.do });
              adopt(stop(activity, step.do, now * S));
            } else if (last.is === "leased") {
              if (step.do === "heartbeat") {
                model.log.push({ ...last, seen: now });
                adopt(heartbeat(activity, now * S, LEASE * S));
              } else if (step.do === "complete") {
                model.log.push({ is: "over", how: "completed" });
                adopt(complete(activity, now * S));
              } else {
                const fatal = step.nonRetryable || policy.nonRetryableErrorTypes.includes(step.type ?? "");
                model.setback(!fatal, "failed", now);
                adopt(fail(activity, step, nextTask(), now * S).activity);
              }
            } else {
              expect(() => heartbeat(activity, now * S, LEASE * S)).toThrow("cannot heartbeat");
              expect(() => complete(activity, now * S)).toThrow("cannot complete");
            }
          }

          const stands = model.last;
          expect(activity.attemptCount).toBe(model.attempts);
          expect(activity.closedReason).toBe(stands.is === "over" ? stands.how : null);
          expect(activity.attempt === null).toBe(stands.is !== "leased");
          expect(activity.task.status === "ready").toBe(stands.is === "queued");
          if (stands.is !== "over") expect(activity.task.id).toBe(`task-${stands.task}`);
          if (stands.is === "queued") expect(activity.task.availableAt).toBe(stands.from * S);
          if (stands.is === "over") expect(dueAt(activity)).toBeNull();
          expect(new Set(numbers).size).toBe(numbers.length);
        }
      }),
      { numRuns: 600 },
    );
  });

  it("waits the last backoff once the list is used up", () => {
    const policy: RetryPolicy = { ...ONE_ATTEMPT, maxAttempts: 9, backoffSeconds: [2, 4] };
    let activity = start(policy, "t", 0);
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt++) {
      const { availableAt } = activity.task;
      activity = claim(activity, { attemptId: `a${attempt}`, owner: "w", now: availableAt, lease: S });
      activity = fail(activity, { type: null, nonRetryable: false }, `t${attempt}`, availableAt).activity;
      waits.push((activity.task.availableAt - availableAt) / S);
    }
    expect(waits).toEqual([2, 4, 4, 4]);
  });

  it("lets lease expiry exceed max_attempts, and count towards it", () => {
    let activity = start({ ...ONE_ATTEMPT, maxAttempts: 2 }, "t", 0);
    for (let attempt = 1; attempt <= 4; attempt++) {
      activity = claim(activity, { attemptId: `a${attempt}`, owner: "w", now: attempt * S, lease: S });
      if (attempt < 4) activity = expireLease(activity, 3, "never", attempt * S).activity;
    }
    expect(activity).toMatchObject({ attemptCount: 4, task: { id: "t" } });
    expect(expireLease(activity, 3, "t2", 5 * S)).toMatchObject({
      kind: "closed",
      activity: { status: "failed", closedReason: "failed", expiries: 4 },
    });
    expect(fail(activity, { type: null, nonRetryable: false }, "t2", 5 * S).kind).toBe("closed");
  });

  it("gives a task its place back three times, and never one that is yet to come", () => {
    let activity = start(ONE_ATTEMPT, "t", 7 * S);
    const places: number[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      activity = claim(activity, { attemptId: `a${attempt}`, owner: "w", now: 10 * attempt * S, lease: S });
      activity = expireLease(activity, 9, "never", (10 * attempt + 1) * S).activity;
      places.push(activity.task.availableAt / S);
    }
    expect(places).toEqual([7, 7, 7, 41, 51]);
    // The clock was set back meanwhile.
    const claimed = claim(start(ONE_ATTEMPT, "t", 7 * S), { attemptId: "a", owner: "w", now: 10 * S, lease: S });
    expect(expireLease(claimed, 9, "never", 5 * S).activity.task.availableAt).toBe(5 * S);
  });

  it("counts what runs out after the free redeliveries as a failed attempt, with its backoff and a task of its own", () => {
    let activity = start({ ...ONE_ATTEMPT, maxAttempts: 3, backoffSeconds: [7] }, "t", 0);
    activity = claim(activity, { attemptId: "a1", owner: "w", now: 0, lease: S });
    const expiry = expireLease(activity, 0, "t2", 10 * S);
    expect(expiry).toMatchObject({
      kind: "retry",
      backoff: 7 * S,
      activity: { task: { id: "t2", availableAt: 17 * S } },
    });
    const final: RetryPolicy = { ...ONE_ATTEMPT, maxAttempts: 3, nonRetryableErrorTypes: ["LeaseExpired"] };
    activity = claim(start(final, "t", 0), { attemptId: "a1", owner: "w", now: 0, lease: S });
    expect(expireLease(activity, 0, "t2", S).kind).toBe("closed");
  });

  it("keeps a hundred heartbeats of an attempt, and then ever fewer", () => {
    let activity = claim(start(ONE_ATTEMPT, "t", 0), { attemptId: "a", owner: "w", now: 0, lease: S });
    const before = activity.historyLength;
    for (let beat = 1; beat <= 20_000; beat++) activity = heartbeat(activity, beat * 750, 300 * S);
    expect(activity.historyLength - before).toBe(114);
    for (let second = 16; second <= 86_400; second++) activity = heartbeat(activity, second * S, 300 * S);
    expect(activity.historyLength - before).toBeLessThan(1200);
    expect(activity.lastHeartbeatAt).toBe(86_400 * S);
  });

  it("takes the earliest of what is due, but schedule_to_close before all", () => {
    const policy: RetryPolicy = {
      ...ONE_ATTEMPT,
      startToCloseSeconds: 20,
      heartbeatSeconds: 10,
      scheduleToCloseSeconds: 30,
    };
    const activity = claim(start(policy, "t", 0), { attemptId: "a", owner: "w", now: 0, lease: 15 * S });
    expect(dueAction(activity, 29 * S)).toMatchObject({ deadline: "heartbeat" });
    expect(dueAction(activity, 30 * S)).toMatchObject({ deadline: "schedule_to_close" });
  });
});
