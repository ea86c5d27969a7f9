import { describe, expect, it } from "vitest";
import { settle } from "../../../test/support/fake-clock.js";
import {
  DECLINED,
  DONE,
  GATEWAY_DOWN,
  LEASE_MS,
  NO_TRACES,
  STORE_TIMEOUT_MS,
  sharedStore,
} from "../../../test/support/keyed-tasks.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import { recordingLogger } from "../../testing/recording-logger.js";
import { CallerDisconnected } from "../errors.js";
import type { IdempotencyOptions } from "./options.js";
import { writeRecord } from "./record.js";

forbidUnhandledRejections();

const IN_PROGRESS = { classification: "application_error", type: "IdempotencyInProgress", retryable: true };
const REUSED = { classification: "application_error", type: "IdempotencyKeyReused", retryable: false };
const UNAVAILABLE = { classification: "application_error", type: "IdempotencyStoreUnavailable", retryable: true };

describe("one task after the other", () => {
  it.each([
    ["a success", DONE],
    ["a failure for good", DECLINED],
  ])("answers %s again without running", async (_, outcome) => {
    const { carrier, traces } = sharedStore();
    const { ask } = carrier();
    const first = ask();
    await settle();
    await first.finish(outcome);
    expect(first.outcome).toBe(outcome);
    for (const other of [ask(), carrier().ask()]) {
      await settle();
      expect(other).toMatchObject({ ran: 0, waiting: false, outcome });
    }
    expect(traces()).toEqual(NO_TRACES);
  });

  it("runs again after a failure that may be retried", async () => {
    const { carrier, traces } = sharedStore();
    const first = carrier().ask();
    await settle();
    await first.finish(GATEWAY_DOWN);
    expect(first.outcome).toBe(GATEWAY_DOWN);
    const second = carrier().ask();
    await settle();
    expect(second.ran).toBe(1);
    await second.finish(DONE);
    expect(second.outcome).toBe(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("runs again once the outcome was forgotten", async () => {
    const { carrier, clock } = sharedStore({ ttlMs: 60_000 });
    const { ask } = carrier();
    const first = ask();
    await settle();
    await first.finish(DONE);
    await clock.advance(59_999);
    const second = ask();
    await settle();
    expect(second.outcome).toEqual(DONE);
    await clock.advance(1);
    const third = ask();
    await settle();
    expect(third.ran).toBe(1);
  });

  it("keeps keys apart", async () => {
    const { ask } = sharedStore().carrier();
    const tasks = [ask("k"), ask("K"), ask("k ")];
    await settle();
    expect(tasks.map(({ ran }) => ran)).toEqual([1, 1, 1]);
  });

  it.each([
    ["arguments", "dim 2", "other arguments"],
    ["an activity type", "brighten 1", "another activity type"],
  ])("refuses the key for %s that it was not used with", async (_, fingerprint, named) => {
    const { carrier, traces } = sharedStore();
    const { ask } = carrier();
    const first = ask();
    await settle();
    await first.finish(DONE);
    const second = ask("k", fingerprint);
    await settle();
    expect(second).toMatchObject({ ran: 0, outcome: REUSED });
    expect(second.outcome).toHaveProperty("message", `The idempotency key was used before, with ${named}.`);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("frees the key when the handler's own plumbing breaks", async () => {
    const { ask } = sharedStore().carrier();
    const first = ask();
    await settle();
    await first.crash(new Error("no way"));
    expect(first).toMatchObject({ outcome: undefined, error: { message: "no way" } });
    const second = ask();
    await settle();
    expect(second.ran).toBe(1);
  });
});

describe("tasks of one process at once", () => {
  it.each([
    ["a success", DONE],
    ["a failure for good", DECLINED],
    ["a failure that may be retried", GATEWAY_DOWN],
  ])("share %s, at once", async (_, outcome) => {
    const { carrier, clock, traces } = sharedStore();
    const { ask } = carrier();
    const first = ask();
    // Without a break: before the first knows that the key is its.
    const others = [ask(), ask()];
    await settle();
    others.push(ask());
    await settle();
    expect([first, ...others].map(({ ran, waiting }) => [ran, waiting])).toEqual([
      [1, false],
      [0, true],
      [0, true],
      [0, true],
    ]);
    const now = clock.now();
    await first.finish(outcome);
    expect(others.map((task) => [task.outcome, task.waiting])).toEqual(others.map(() => [outcome, false]));
    expect(clock.now()).toBe(now);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("ask the store nothing while they wait", async () => {
    const { carrier, clock, store } = sharedStore();
    const { ask } = carrier();
    ask();
    await settle();
    ask();
    await clock.advance(9999);
    expect(store.calls).toEqual(["claim"]);
  });

  it("do not share what another one asked for under the same key", async () => {
    const { ask } = sharedStore().carrier();
    const first = ask();
    await settle();
    const second = ask("k", "dim 2");
    await settle();
    expect(second).toMatchObject({ ran: 0, waiting: false, outcome: REUSED });
    await first.finish(DONE);
    expect(first.outcome).toBe(DONE);
  });

  it("learn from the store, not from each other, whether arguments fit the key", async () => {
    const { carrier } = sharedStore();
    const first = carrier().ask();
    await settle();
    await first.finish(DONE);
    const { ask } = carrier();
    const wrong = ask("k", "dim 2");
    const right = ask();
    await settle();
    expect(wrong.outcome).toMatchObject(REUSED);
    expect(right.outcome).toEqual(DONE);
  });

  it("run one of the others when the first was ended and did as it was told", async () => {
    const { carrier, traces } = sharedStore();
    const { ask } = carrier();
    const tasks = [ask(), ask(), ask()];
    await settle();
    tasks[0]?.end(new CallerDisconnected());
    await settle();
    expect(tasks.map(({ ran }) => ran)).toEqual([1, 0, 0]);
    await tasks[0]?.finish(GATEWAY_DOWN);
    expect(tasks.map(({ ran }) => ran)).toEqual([1, 1, 0]);
    await tasks[1]?.finish(DONE);
    expect(tasks.map(({ outcome }) => outcome)).toEqual([GATEWAY_DOWN, DONE, DONE]);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("leave nothing behind when they are ended while they wait", async () => {
    const { carrier, traces } = sharedStore();
    const { ask } = carrier();
    const first = ask();
    const second = ask();
    await settle();
    second.end();
    await settle();
    expect(second).toMatchObject({ ran: 0, waiting: true, outcome: IN_PROGRESS, listeners: 0 });
    await first.finish(DONE);
    expect(second.ran).toBe(0);
    expect(traces()).toEqual(NO_TRACES);
  });
});

describe("tasks of several processes at once", () => {
  it.each([
    ["a success", DONE],
    ["a failure for good", DECLINED],
  ])("wait for %s", async (_, outcome) => {
    const { carrier, clock, traces } = sharedStore();
    const first = carrier().ask();
    await settle();
    const second = carrier().ask();
    await clock.advance(7000);
    expect(second).toMatchObject({ ran: 0, waiting: true, outcome: undefined });
    await first.finish(outcome);
    expect(second.outcome).toBeUndefined();
    await clock.advance(1000);
    expect(second).toMatchObject({ ran: 0, waiting: false, outcome });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("ask again after 50 ms, twice that, and so on up to a second", async () => {
    const { carrier, clock, store } = sharedStore();
    carrier().ask();
    await settle();
    carrier().ask();
    await settle();
    const asked: number[] = [];
    const begin = clock.now();
    for (let count = store.calls.length; clock.now() < begin + 5000; await clock.advance(50)) {
      if (store.calls.length > count) asked.push(clock.now() - begin);
      count = store.calls.length;
    }
    expect(asked).toEqual([50, 150, 350, 750, 1550, 2550, 3550, 4550]);
  });

  it("run after the other failed for now", async () => {
    const { carrier, clock } = sharedStore();
    const first = carrier().ask();
    await settle();
    const second = carrier().ask();
    await settle();
    await first.finish(GATEWAY_DOWN);
    await clock.advance(50);
    expect(second).toMatchObject({ ran: 1, waiting: false });
  });

  it("run after the other has died, when its lease is over", async () => {
    const { carrier, clock, store } = sharedStore();
    await store.claim("k", { owner: "dead", fingerprint: "dim 1", leaseMs: LEASE_MS });
    const second = carrier().ask();
    await clock.advance(LEASE_MS - 1);
    expect(second).toMatchObject({ ran: 0, waiting: true });
    await clock.advance(1000);
    expect(second).toMatchObject({ ran: 1, waiting: false });
  });

  it("do not run while the other renews its lease", async () => {
    const { carrier, clock } = sharedStore();
    const first = carrier().ask();
    await settle();
    const second = carrier().ask();
    await clock.advance(20 * LEASE_MS);
    expect(second.ran).toBe(0);
    await first.finish(DONE);
    await clock.advance(1000);
    expect(second.outcome).toEqual(DONE);
  });

  it("end as they wait, without a trace", async () => {
    const { carrier, clock, traces } = sharedStore();
    const first = carrier().ask();
    await settle();
    const second = carrier().ask();
    await clock.advance(2000);
    second.end();
    await settle();
    expect(second).toMatchObject({ ran: 0, waiting: true, outcome: IN_PROGRESS });
    await first.finish(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("are refused when the key stands for something else", async () => {
    const { carrier, traces } = sharedStore();
    const first = carrier().ask();
    await settle();
    const second = carrier().ask("k", "dim 2");
    await settle();
    expect(second).toMatchObject({ ran: 0, outcome: REUSED });
    await first.finish(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("come to one run and one outcome, however many they are", async () => {
    const { carrier, clock, traces } = sharedStore();
    const processes = [carrier(), carrier(), carrier()];
    const tasks = Array.from({ length: 60 }, (_, index) => processes[index % 3]!.ask());
    await clock.advance(500);
    const ran = tasks.filter((task) => task.ran > 0);
    expect(ran).toHaveLength(1);
    await ran[0]?.finish(DONE);
    await clock.advance(1000);
    expect(tasks.every(({ outcome }) => JSON.stringify(outcome) === JSON.stringify(DONE))).toBe(true);
    expect(tasks.reduce((sum, task) => sum + task.ran, 0)).toBe(1);
    expect(traces()).toEqual(NO_TRACES);
  });
});

const BREAKDOWNS: readonly (readonly [how: string, () => unknown, problem: string])[] = [
  [
    "rejects",
    () => Promise.reject(Object.assign(new Error("redis://user:secret@host"), { code: "ECONNREFUSED" })),
    "claim of the idempotency store failed with Error (ECONNREFUSED).",
  ],
  ["rejects with nothing", () => Promise.reject(), "claim of the idempotency store failed with nothing."],
  [
    "throws",
    () => {
      throw new TypeError("secret");
    },
    "claim of the idempotency store failed with TypeError.",
  ],
  [
    "answers nonsense",
    () => Promise.resolve({ state: "running" }),
    "claim of the idempotency store answered neither claimed, nor running with a fingerprint, nor finished with a record.",
  ],
  [
    "answers nothing",
    () => undefined,
    "claim of the idempotency store answered neither claimed, nor running with a fingerprint, nor finished with a record.",
  ],
];

describe.each(BREAKDOWNS)("a store that %s", (_, how, problem) => {
  it("fails the task for now, by default", async () => {
    const { carrier, store, traces } = sharedStore();
    store.breakDown(how);
    const task = carrier().ask();
    await settle();
    expect(task).toMatchObject({ ran: 0, outcome: UNAVAILABLE });
    expect(task.outcome).toHaveProperty("message", `The handler was not run: ${problem}`);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("lets the task run without, where that is asked for", async () => {
    const { carrier, clock, store, logger, traces } = sharedStore({ whenStoreFails: "run" });
    store.breakDown(how);
    const task = carrier().ask();
    await settle();
    expect(task.ran).toBe(1);
    expect(logger.lines).toEqual([
      { level: "warn", fields: { problem }, message: "The handler runs without idempotency." },
    ]);
    await clock.advance(LEASE_MS);
    await task.finish(DONE);
    expect(task.outcome).toBe(DONE);
    expect(store.calls).toEqual(["claim"]);
    expect(traces()).toEqual(NO_TRACES);
  });
});

describe("a store that hangs", () => {
  it("is waited for as long as it may take", async () => {
    const { carrier, clock, store, traces } = sharedStore();
    store.breakDown(() => new Promise(() => {}));
    const task = carrier().ask();
    await clock.advance(STORE_TIMEOUT_MS - 1);
    expect(task.outcome).toBeUndefined();
    await clock.advance(1);
    const problem = "claim of the idempotency store did not answer within 5000 ms.";
    expect(task.outcome).toMatchObject({ ...UNAVAILABLE, message: `The handler was not run: ${problem}` });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("has the key taken back that it gave away too late", async () => {
    const { carrier, clock, store } = sharedStore();
    const held = store.holdClaims();
    const task = carrier().ask();
    await clock.advance(STORE_TIMEOUT_MS);
    expect(task.outcome).toMatchObject(UNAVAILABLE);
    await held.letGo();
    expect(store.calls).toEqual(["claim", "release"]);
  });

  it("may reject too late for anyone to care", async () => {
    const { carrier, clock, store } = sharedStore();
    store.breakDown(async () => {
      await new Promise<void>((resolve) => {
        clock.schedule(2 * STORE_TIMEOUT_MS, resolve);
      });
      throw new Error("late");
    });
    carrier().ask();
    await clock.advance(3 * STORE_TIMEOUT_MS);
  });
});

const down = (): unknown => Promise.reject(new Error("down"));

describe("a store that is down while tasks of one process run without it", () => {
  const options: Partial<IdempotencyOptions> = { whenStoreFails: "run" };

  it("still has them joined", async () => {
    const { carrier, store, traces } = sharedStore(options);
    store.breakDown(down);
    const { ask } = carrier();
    const tasks = [ask(), ask()];
    await settle();
    tasks.push(ask());
    await settle();
    expect(tasks.map(({ ran }) => ran)).toEqual([1, 0, 0]);
    await tasks[0]?.finish(DONE);
    expect(tasks.map(({ outcome }) => outcome)).toEqual([DONE, DONE, DONE]);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("gives a key back that it lends to a second task when it comes back", async () => {
    const { carrier, store, traces } = sharedStore(options);
    const { ask } = carrier();
    const held = store.holdClaims();
    const second = ask();
    store.breakDown(down);
    const first = ask();
    await settle();
    expect(first.ran).toBe(1);
    store.broken = {};
    await held.letGo();
    expect(second).toMatchObject({ ran: 0, waiting: true });
    expect(store.calls).toEqual(["claim", "claim", "release"]);
    await first.finish(DONE);
    expect(second.outcome).toBe(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("does not let a task run that it has just seen running elsewhere", async () => {
    const { carrier, clock, store } = sharedStore(options);
    carrier().ask();
    await settle();
    const second = carrier().ask();
    await settle();
    expect(second.waiting).toBe(true);
    store.breakDown(down);
    await clock.advance(50);
    expect(second).toMatchObject({ ran: 0, outcome: UNAVAILABLE });
  });
});

/** A task whose key holds a record. */
async function withRecord(record: string, options: Partial<IdempotencyOptions> = {}) {
  const shared = sharedStore(options);
  await shared.store.claim("k", { owner: "a", fingerprint: "dim 1", leaseMs: LEASE_MS });
  await shared.store.complete("k", { owner: "a", record, ttlMs: LEASE_MS });
  const task = shared.carrier().ask();
  await settle();
  return { ...shared, task };
}

describe("a record that cannot be read", () => {
  const RECORDS = [
    ["no JSON", "secret"],
    ["JSON of another kind", '{"status":"succeeded","secret":1}'],
    ["of a later version", writeRecord({ fingerprint: "dim 1", outcome: DONE }).replace(`"version":1`, `"version":2`)],
  ] as const;

  it.each(RECORDS)("is a store that fails, never a success: %s", async (_, record) => {
    const { task, logger, traces } = await withRecord(record);
    expect(task).toMatchObject({ ran: 0, outcome: UNAVAILABLE });
    expect(logger.lines).toEqual([
      { level: "error", fields: {}, message: "The record of an idempotency key cannot be read." },
    ]);
    expect(JSON.stringify(task.outcome)).not.toContain("secret");
    expect(traces()).toEqual(NO_TRACES);
  });

  it.each(RECORDS)("lets the task run where a failing store does, and stays: %s", async (_, record) => {
    const { task, store } = await withRecord(record, { whenStoreFails: "run" });
    expect(task.ran).toBe(1);
    await task.finish(DONE);
    const claim = { owner: "b", fingerprint: "dim 1", leaseMs: LEASE_MS };
    expect(await store.claim("k", claim)).toEqual({ state: "finished", record });
  });
});

describe("a task that is ended", () => {
  it("before it is begun is not begun", async () => {
    const { carrier, store } = sharedStore();
    const { ask } = carrier();
    const task = ask();
    task.end();
    await settle();
    expect(task.ran).toBe(0);
    expect(store.calls).toEqual(["claim", "release"]);
    const next = ask();
    await settle();
    expect(next.ran).toBe(1);
  });

  it("while the store thinks is not run, and not said to have waited", async () => {
    const { carrier, clock, store, traces } = sharedStore();
    store.breakDown(() => new Promise(() => {}));
    const task = carrier().ask();
    await clock.advance(1000);
    task.end();
    await clock.advance(STORE_TIMEOUT_MS);
    expect(task).toMatchObject({ ran: 0, waiting: false });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("while a store is down that would let it run is not run", async () => {
    const { carrier, clock, store } = sharedStore({ whenStoreFails: "run" });
    store.breakDown(() => new Promise(() => {}));
    const task = carrier().ask();
    await clock.advance(1000);
    task.end();
    await clock.advance(STORE_TIMEOUT_MS);
    expect(task.ran).toBe(0);
  });
});

it.each([
  [
    "throws",
    () => {
      throw new Error("the disk is full");
    },
  ],
  ["is asynchronous and rejects", () => Promise.reject(new Error("the disk is full"))],
])("a logger that %s costs nobody anything", async (_, fail) => {
  const { carrier, store, logger, traces } = sharedStore({ whenStoreFails: "run" });
  Object.assign(logger, Object.fromEntries(Object.keys(recordingLogger()).map((name) => [name, fail])));
  store.breakDown(() => Promise.reject(new Error("down")));
  const task = carrier().ask();
  await settle();
  await task.finish(DONE);
  expect(task.outcome).toBe(DONE);
  expect(traces()).toEqual(NO_TRACES);
});
