import { describe, expect, it } from "vitest";
import { deferred } from "../../../test/support/deferred.js";
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
import { payloadEnvelope } from "../../payload/index.js";
import { ActivityValidationError } from "../definition/validation.js";
import {
  ActivityCancelled,
  CallerDisconnected,
  CarrierShutdown,
  ExternalTaskDeadlineExceeded,
  NonRetryableError,
} from "../errors.js";
import { aborted, type TaskOutcome, thrown } from "../run/failures.js";
import { MemoryIdempotencyStore } from "./memory-store.js";
import type { IdempotencyOptions } from "./options.js";

forbidUnhandledRejections();

const DEADLINE = new ExternalTaskDeadlineExceeded("deadlines.start_to_close", "2999-06-01T12:00:01Z", "just now");
const down = (): unknown => Promise.reject(new Error("down"));
const STORED = "A late outcome was stored: the next delivery is answered with it.";
const DROPPED = "A late outcome was dropped.";

/** A task that runs, over a store that other processes share. */
async function running(options: Partial<IdempotencyOptions> = {}) {
  const shared = sharedStore(options);
  const carrier = shared.carrier();
  const task = carrier.ask();
  await settle();
  expect(task.ran).toBe(1);
  return { ...shared, coordinator: carrier.coordinator, ask: carrier.ask, task };
}

describe("a handler that goes on after its task was answered", () => {
  it("has its late success stored for the next delivery", async () => {
    const { task, clock, carrier, ask, said, traces } = await running();
    task.end(DEADLINE);
    await clock.advance(20_000);
    await task.finish(DONE);
    for (const redelivered of [ask(), carrier().ask()]) {
      await settle();
      expect(redelivered).toMatchObject({ ran: 0, outcome: DONE });
    }
    expect(said("info")).toEqual([STORED]);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("is joined by the next delivery to this process, and waited for by one to another", async () => {
    const { task, clock, carrier, ask, traces } = await running();
    task.end(DEADLINE);
    await clock.advance(5000);
    const here = ask();
    const elsewhere = carrier().ask();
    await clock.advance(5000);
    expect([here, elsewhere].map(({ ran, waiting }) => [ran, waiting])).toEqual([
      [0, true],
      [0, true],
    ]);
    await task.finish(DONE);
    expect(here.outcome).toBe(DONE);
    await clock.advance(1000);
    expect(elsewhere.outcome).toEqual(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });

  it.each([
    ["for now", GATEWAY_DOWN],
    ["for good, which may be no more than how it stopped", DECLINED],
  ])("frees the key when it fails %s", async (_, outcome) => {
    const { task, clock, carrier, said, traces } = await running();
    task.end(DEADLINE);
    await clock.advance(5000);
    await task.finish(outcome);
    const redelivered = carrier().ask();
    await settle();
    expect(redelivered.ran).toBe(1);
    await redelivered.finish(DONE);
    expect(said("warn")).toEqual([DROPPED]);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("keeps its key for a lease and no longer", async () => {
    const { task, clock, carrier, ask, said, traces } = await running();
    await clock.advance(4 * LEASE_MS);
    task.end(DEADLINE);
    const here = ask();
    const elsewhere = carrier().ask();
    await clock.advance(LEASE_MS - 1);
    expect([here.ran, elsewhere.ran]).toEqual([0, 0]);
    await clock.advance(1);
    // One of the two, as ever.
    await clock.advance(1000);
    expect([here.ran, elsewhere.ran]).toEqual([1, 0]);
    expect(said("warn")).toEqual([
      "The handler still runs long after its task was answered: its idempotency key is freed.",
    ]);
    await here.finish(DONE);
    await clock.advance(1000);
    expect(elsewhere.outcome).toEqual(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("does not disturb who has its key since", async () => {
    const { task, clock, ask, said, traces } = await running();
    task.end(DEADLINE);
    await clock.advance(LEASE_MS);
    const next = ask();
    await settle();
    await task.finish(payloadEnvelope("late"));
    const third = ask();
    await settle();
    expect([next.ran, third.ran, third.waiting]).toEqual([1, 0, true]);
    await next.finish(DONE);
    expect([next.outcome, third.outcome]).toEqual([DONE, DONE]);
    expect(said("warn")).toContain("Another owner took over an idempotency key: the handler may have run twice.");
    expect(traces()).toEqual(NO_TRACES);
  });

  it("still has its outcome stored when nobody took the key since", async () => {
    const { task, clock, carrier, said } = await running();
    task.end(DEADLINE);
    await clock.advance(100 * LEASE_MS);
    await task.finish(DONE);
    const redelivered = carrier().ask();
    await settle();
    expect(redelivered).toMatchObject({ ran: 0, outcome: DONE });
    expect(said("info")).toEqual([STORED]);
  });

  it("is given up for those that joined it while the store was down, too", async () => {
    const { carrier, clock, store, traces } = sharedStore({ whenStoreFails: "run" });
    store.breakDown(down);
    const { ask } = carrier();
    const first = ask();
    await settle();
    first.end(DEADLINE);
    const second = ask();
    await clock.advance(LEASE_MS);
    expect(second.ran).toBe(1);
    await second.finish(DONE);
    await first.finish(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });
});

describe("a handler that does as its signal says", () => {
  it.each<readonly [string, Error]>([
    ["a deadline", DEADLINE],
    ["a cancellation", new ActivityCancelled()],
    ["a caller that is gone", new CallerDisconnected()],
    ["a shutdown", new CarrierShutdown()],
    ["a reason for good", new NonRetryableError("The attempt is closed.", { type: "AttemptClosed" })],
  ])("leaves nothing of %s behind", async (_, reason) => {
    for (const outcome of [thrown(reason, true), aborted(reason, true)]) {
      const { task, carrier, traces } = await running();
      task.end(reason);
      await task.finish(outcome);
      const redelivered = carrier().ask();
      await settle();
      expect(redelivered.ran).toBe(1);
      await redelivered.finish(DONE);
      expect(traces()).toEqual(NO_TRACES);
    }
  });

  it("may say so in its own words", async () => {
    const { task, carrier } = await running();
    task.end(DEADLINE);
    await task.finish(thrown(new ActivityCancelled("Stopped after row 7."), false));
    const redelivered = carrier().ask();
    await settle();
    expect(redelivered.ran).toBe(1);
  });

  it("is believed when it cancels by itself", async () => {
    const { task, carrier } = await running();
    const outcome = thrown(new ActivityCancelled("enough"), false);
    await task.finish(outcome);
    const redelivered = carrier().ask();
    await settle();
    expect(redelivered).toMatchObject({ ran: 0, outcome });
  });
});

describe("a lease", () => {
  it("is renewed every third of it, and no longer than the handler runs", async () => {
    const { task, clock, store } = await running();
    await clock.advance(LEASE_MS / 3 - 1);
    expect(store.calls).toEqual(["claim"]);
    await clock.advance(1);
    expect(store.calls).toEqual(["claim", "claim"]);
    await clock.advance(LEASE_MS);
    expect(store.calls).toHaveLength(5);
    await task.finish(DONE);
    await clock.advance(LEASE_MS);
    expect(store.calls).toHaveLength(6);
    expect(store.calls.at(-1)).toBe("complete");
  });

  it("outlives a store that fails twice", async () => {
    const { task, clock, store, carrier, logger } = await running();
    store.breakDown(down);
    await clock.advance((LEASE_MS * 2) / 3);
    store.broken = {};
    expect(logger.lines).toEqual(
      Array.from({ length: 2 }, () => ({
        level: "warn",
        fields: { problem: "claim of the idempotency store failed with Error." },
        message: "The lease of an idempotency key was not renewed.",
      })),
    );
    await clock.advance(LEASE_MS / 3 - 1);
    const second = carrier().ask();
    await clock.advance(LEASE_MS);
    expect([task.ran, second.ran]).toEqual([1, 0]);
    await task.finish(DONE);
  });

  it("gives a call that hangs a third of its time", async () => {
    const { clock, store, logger } = await running({ leaseMs: 900 });
    store.breakDown(() => new Promise(() => {}));
    await clock.advance(599);
    expect(logger.lines).toEqual([]);
    await clock.advance(1);
    expect(logger.lines[0]?.fields).toEqual({
      problem: "claim of the idempotency store did not answer within 300 ms.",
    });
  });

  it("that the store lost is taken again at the next renewal", async () => {
    const { task, clock, store, carrier } = await running();
    store.inner = new MemoryIdempotencyStore({ clock });
    await clock.advance(LEASE_MS / 3);
    const second = carrier().ask();
    await settle();
    expect(second).toMatchObject({ ran: 0, waiting: true });
    await task.finish(DONE);
  });

  it("that another owner took is not fought for", async () => {
    const { task, clock, store, said, traces } = await running();
    store.inner = new MemoryIdempotencyStore({ clock });
    await store.inner.claim("k", { owner: "other", fingerprint: "dim 1", leaseMs: 10 * LEASE_MS });
    await clock.advance(LEASE_MS);
    expect(store.calls).toEqual(["claim", "claim"]);
    await task.finish(DONE);
    expect(task.outcome).toBe(DONE);
    expect(said("warn")).toEqual(["Another owner took over an idempotency key: the handler may have run twice."]);
    expect(await store.inner.complete("k", { owner: "other", record: "r", ttlMs: 1 })).toBe(true);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("is not brought back by a renewal that was under way when the key was freed", async () => {
    const { task, clock, store, carrier, traces } = await running();
    const held = store.holdClaims();
    await clock.advance(LEASE_MS / 3);
    void task.finish(GATEWAY_DOWN);
    await settle();
    expect(task.outcome).toBeUndefined();
    await held.letGo();
    expect(store.calls).toEqual(["claim", "claim", "release"]);
    expect(task.outcome).toBe(GATEWAY_DOWN);
    expect(traces()).toEqual(NO_TRACES);
    const second = carrier().ask();
    await settle();
    expect(second.ran).toBe(1);
  });

  it("that a renewal brought back too late for anyone to want it is freed again", async () => {
    const { task, clock, store, carrier, traces } = await running();
    const held = store.holdClaims();
    await clock.advance(LEASE_MS / 3 + STORE_TIMEOUT_MS);
    store.broken = {};
    await task.finish(GATEWAY_DOWN);
    await held.letGo();
    expect(store.calls).toEqual(["claim", "claim", "release", "release"]);
    const second = carrier().ask();
    await settle();
    expect(second.ran).toBe(1);
    await second.finish(DONE);
    expect(traces()).toEqual(NO_TRACES);
  });
});

describe("a store that is down at the end", () => {
  it("costs the outcome nothing", async () => {
    const { task, store, logger, traces } = await running();
    store.breakDown(down);
    await task.finish(DONE);
    expect(task.outcome).toBe(DONE);
    expect(logger.lines).toEqual([
      {
        level: "error",
        fields: { problem: "complete of the idempotency store failed with Error." },
        message: "An outcome was not stored: its task may run again.",
      },
    ]);
    expect(traces()).toEqual(NO_TRACES);
  });

  it("holds an outcome up for as long as it may take, and frees the key with the lease", async () => {
    const { task, store, clock, carrier, traces } = await running();
    store.breakDown(() => new Promise(() => {}));
    await task.finish(DONE);
    await clock.advance(STORE_TIMEOUT_MS - 1);
    expect(task.outcome).toBeUndefined();
    await clock.advance(1);
    expect(task.outcome).toBe(DONE);
    expect(traces()).toEqual(NO_TRACES);
    store.broken = {};
    await clock.advance(LEASE_MS - STORE_TIMEOUT_MS);
    const second = carrier().ask();
    await settle();
    expect(second.ran).toBe(1);
  });

  it("says so when it could not free the key", async () => {
    const { task, store, logger } = await running();
    store.breakDown(down);
    await task.finish(GATEWAY_DOWN);
    expect(task.outcome).toBe(GATEWAY_DOWN);
    expect(logger.lines).toEqual([
      {
        level: "warn",
        fields: { problem: "release of the idempotency store failed with Error." },
        message: "An idempotency key was not freed: it is when its lease has passed.",
      },
    ]);
  });

  it("must say whether it stored the outcome", async () => {
    const { task, store, logger } = await running();
    store.broken = { complete: () => Promise.resolve("OK") };
    await task.finish(DONE);
    expect(task.outcome).toBe(DONE);
    expect(logger.lines[0]).toMatchObject({
      level: "error",
      fields: { problem: "complete of the idempotency store answered a string, no boolean." },
    });
  });
});

describe("a lease that passed while the thread was blocked", () => {
  it("does not cost the outcome while the key is free", async () => {
    const { task, clock, carrier, said } = await running();
    clock.block(2 * LEASE_MS);
    await task.finish(DONE);
    const second = carrier().ask();
    await settle();
    expect(second).toMatchObject({ ran: 0, outcome: DONE });
    expect(said("warn")).toEqual([]);
  });

  it("leaves the outcome to the owner that has the key since", async () => {
    const { task, clock, carrier, said } = await running();
    clock.block(2 * LEASE_MS);
    const second = carrier().ask();
    await settle();
    expect(second.ran).toBe(1);
    await task.finish(DECLINED);
    expect(task.outcome).toBe(DECLINED);
    expect(said("warn")).toEqual(["Another owner took over an idempotency key: the handler may have run twice."]);
    await second.finish(DONE);
    const third = carrier().ask();
    await settle();
    expect(third.outcome).toEqual(DONE);
  });
});

it("takes a completion that was sent twice for one", async () => {
  const { task, store, said, carrier } = await running();
  store.broken = { complete: (real) => real().then(real) };
  await task.finish(DONE);
  expect(said("warn")).toEqual([]);
  const second = carrier().ask();
  await settle();
  expect(second.outcome).toEqual(DONE);
});

it("stores nothing of a value that its details lost", async () => {
  const { task, carrier } = await running();
  const outcome: TaskOutcome = { ...DECLINED, details: { when: Symbol("now") } };
  await task.finish(outcome);
  expect(task.outcome).toBe(outcome);
  const second = carrier().ask();
  await settle();
  expect(second.outcome).toEqual({ ...DECLINED, details: undefined });
});

describe("closing", () => {
  it("waits for outcomes to be stored", async () => {
    const { task, clock, store, coordinator, traces } = await running();
    const stored = deferred<void>();
    store.broken = { complete: (real) => stored.promise.then(real) };
    task.end(DEADLINE);
    await task.finish(DONE);
    let closed = false;
    const closing = coordinator.close(1000).then(() => {
      closed = true;
    });
    await clock.advance(2000);
    expect(closed).toBe(false);
    stored.resolve();
    await closing;
    expect(traces()).toEqual(NO_TRACES);
  });

  it("frees the keys of handlers that do not stop", async () => {
    const { task, clock, carrier, coordinator } = await running();
    task.end(DEADLINE);
    const closing = coordinator.close(1000);
    await clock.advance(1000);
    await closing;
    const redelivered = carrier().ask();
    await settle();
    expect(redelivered.ran).toBe(1);
  });

  it("is over at once where nothing runs", async () => {
    const { task, coordinator } = await running();
    await task.finish(DONE);
    await coordinator.close(1000);
  });
});

it("arguments that did not validate are not remembered: nothing has run", async () => {
  const { task, carrier } = await running();
  const { name: type, message } = new ActivityValidationError("arguments", [{ path: [0], message: "no" }]);
  await task.finish({ classification: "decode_failure", type, message, retryable: false });
  const redelivered = carrier().ask();
  await settle();
  expect(redelivered.ran).toBe(1);
});
