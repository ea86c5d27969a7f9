import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { FakeClock } from "../../test/support/fake-clock.js";
import { detailsOf, valueOf } from "../../test/support/run-activity.js";
import { type AvroValue, payloadEnvelope } from "../payload/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import type { ActivityContext } from "./context.js";
import { defineActivity } from "./definition/define-activity.js";
import { interceptWith } from "./definition/interceptor.js";
import { ActivityCancelled, CallerDisconnected, NonRetryableError } from "./errors.js";
import { InvocableActivityHandler, type InvocableActivityHandlerOptions } from "./handler.js";
import { byExecution, type IdempotencyStore, idempotent, MemoryIdempotencyStore } from "./idempotency/index.js";
import { mapErrors } from "./map-error.js";

interface Delivery {
  readonly id?: string;
  readonly key?: string;
  readonly type?: string;
  readonly args?: readonly AvroValue[];
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Default 12:10. */
  readonly heartbeat?: string;
}

function task({ id = "task-1", key = "key-1", type = "charge", args = ["card-7"], ...rest }: Delivery = {}) {
  const { headers = {}, heartbeat = "2999-06-01T12:10:00Z" } = rest;
  return activityTaskEnvelope({
    deadlines: { schedule_to_start: null, heartbeat },
    task: { id, idempotency_key: key, handler: type },
    payloads: { arguments: payloadEnvelope(args) },
    headers,
  });
}

/** A carrier whose one activity does as it is told, and counts its runs. */
function carrier(
  work: (run: number, clock: FakeClock) => unknown,
  { store, ...options }: InvocableActivityHandlerOptions & { store?: IdempotencyStore } = {},
) {
  const clock = new FakeClock();
  const logger = recordingLogger();
  let runs = 0;
  const activity = () => work(++runs, clock);
  const idempotency = idempotent({ store: store ?? new MemoryIdempotencyStore({ clock }) });
  const handler = new InvocableActivityHandler(
    { charge: activity, refund: activity },
    { clock, logger, idempotency, stackTraces: false, ...options },
  );
  return { clock, logger, handler, runs: () => runs };
}

const after = (clock: FakeClock, ms: number, value: unknown) =>
  new Promise((resolve) => clock.schedule(ms, () => resolve(value)));

describe("with idempotency, a task", () => {
  it("that was done is answered with its outcome, under its own identity", async () => {
    const { handler, runs } = carrier((run) => ({ run }));
    const first = await handler.handle(task());
    const second = await handler.handle(task({ id: "task-2" }));
    expect([valueOf(first), valueOf(second)]).toEqual([{ run: 1 }, { run: 1 }]);
    expect(second.task).toMatchObject({ id: "task-2", idempotency_key: "key-1" });
    expect(runs()).toBe(1);
    expect(valueOf(await handler.handle(task({ key: "key-2" })))).toEqual({ run: 2 });
  });

  it("that failed for good is answered with its failure, details included", async () => {
    const { handler, runs } = carrier(() => {
      throw new NonRetryableError("declined", { type: "Declined", details: { code: 51n } });
    });
    for (const id of ["task-1", "task-2"]) {
      const result = await handler.handle(task({ id }));
      expect(result).toMatchObject({
        outcome: { retryable: false },
        failure: { type: "Declined", message: "declined" },
      });
      expect(detailsOf(result)).toEqual({ code: 51 });
    }
    expect(runs()).toBe(1);
  });

  it("that may be retried runs again", async () => {
    const { handler, runs } = carrier((run) => (run === 1 ? Promise.reject(new Error("down")) : "done"));
    expect(await handler.handle(task())).toMatchObject({ outcome: { retryable: true } });
    expect(valueOf(await handler.handle(task()))).toBe("done");
    expect(runs()).toBe(2);
  });

  it("that is under way is joined", async () => {
    const { handler, clock, runs } = carrier((run, time) => after(time, 5000, run));
    const both = Promise.all([handler.handle(task()), handler.handle(task({ id: "task-2" }))]);
    await expect.poll(() => runs()).toBe(1);
    await clock.advance(5000);
    expect((await both).map(valueOf)).toEqual([1, 1]);
    expect(runs()).toBe(1);
    expect(clock.liveTimers).toBe(0);
  });

  it.each([
    ["other arguments", { args: ["card-8"] }],
    ["another activity", { type: "refund" }],
  ] as const)("whose key was used for %s fails for good", async (_, other) => {
    const { handler, runs } = carrier((run) => run);
    await handler.handle(task());
    expect(await handler.handle(task(other))).toMatchObject({
      outcome: { retryable: false },
      failure: { classification: "application_error", type: "IdempotencyKeyReused" },
    });
    expect(runs()).toBe(1);
  });

  it("that waits for another process until its deadline says so", async () => {
    const clock = new FakeClock();
    const store = new MemoryIdempotencyStore({ clock });
    const { fingerprint } = await fingerprintIn(store, clock);
    await store.claim("key-2", { owner: "other", fingerprint, leaseMs: 3_600_000 });
    const claim = vi.spyOn(store, "claim");
    const { handler, runs } = carrier((run) => run, { store, clock });
    const result = handler.handle(task({ key: "key-2" }));
    await expect.poll(() => claim).toHaveBeenCalled();
    await clock.advance(3_600_000);
    expect(await result).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "application_error", type: "IdempotencyInProgress" },
    });
    expect(runs()).toBe(0);
  });

  it("answered at its deadline finishes behind the caller's back, and the next delivery gets what it did", async () => {
    const { handler, clock, runs, logger } = carrier((run, time) => after(time, 10 * 60_000 + 5000, run));
    const first = handler.handle(task());
    await expect.poll(() => runs()).toBe(1);
    await clock.advance(10 * 60_000);
    expect(await first).toMatchObject({ failure: { classification: "deadline_exceeded" } });
    const second = handler.handle(task({ id: "task-2", heartbeat: "2999-06-01T12:15:00Z" }));
    await clock.advance(5000);
    expect(valueOf(await second)).toBe(1);
    expect(runs()).toBe(1);
    expect(logger.lines.map(({ message }) => message)).toContainEqual(
      expect.stringContaining("late outcome was stored"),
    );
  });

  it.each([
    ["a disconnect", new CallerDisconnected(), "application_error"],
    ["a cancellation", new ActivityCancelled(), "cancelled"],
  ])("ended by %s is not taken for done", async (_, reason, classification) => {
    const { handler, runs } = carrier((run) => (run === 1 ? new Promise(() => {}) : run));
    const caller = new AbortController();
    const first = handler.handle(task(), { signal: caller.signal });
    await expect.poll(() => runs()).toBe(1);
    caller.abort(reason);
    expect(await first).toMatchObject({ failure: { classification } });
  });

  it("that stopped as it was told to is not judged by mapErrors, and runs again", async () => {
    const caller = new AbortController();
    const stopping = () =>
      new Promise((_, reject) => {
        caller.signal.addEventListener("abort", () => reject(caller.signal.reason as Error));
      });
    const interceptors = interceptWith(mapErrors(() => new NonRetryableError("for good")));
    const { handler, runs } = carrier((run) => (run === 1 ? stopping() : "done"), { interceptors });
    const first = handler.handle(task(), { signal: caller.signal });
    await expect.poll(() => runs()).toBe(1);
    caller.abort(new CallerDisconnected());
    expect(await first).toMatchObject({ failure: { type: "CallerDisconnected" } });
    expect(valueOf(await handler.handle(task({ id: "task-2" })))).toBe("done");
  });

  it.each([
    ["fail", "IdempotencyStoreUnavailable"],
    ["run", undefined],
  ] as const)("whose store is down does as it was told: %s", async (whenStoreFails, type) => {
    const down = () => Promise.reject(new Error("ECONNREFUSED secret-host"));
    const store = { claim: down, complete: down, release: down };
    const { handler, logger } = carrier((run) => run, { idempotency: idempotent({ store, whenStoreFails }) });
    const result = await handler.handle(task());
    if (type === undefined) expect(valueOf(result)).toBe(1);
    else expect(result).toMatchObject({ outcome: { retryable: true }, failure: { type } });
    expect(JSON.stringify([result, logger.lines])).not.toContain("secret-host");
  });
});

/** A run that is ended from outside while its handler works, and the delivery after it. */
describe("with idempotency, a handler that was told to stop", () => {
  const LATER = "2999-06-01T12:15:00Z";
  const aborted = ({ signal }: ActivityContext) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });

  it.each([
    [
      "throws, and mapErrors would make it final",
      async (context: ActivityContext) => {
        await aborted(context);
        throw context.signal.reason;
      },
      { interceptors: interceptWith(mapErrors(() => new NonRetryableError("mapped"))) },
    ],
    [
      "throws something final",
      async (context: ActivityContext) => {
        await aborted(context);
        throw new NonRetryableError("half-way");
      },
      {},
    ],
    ["returns nothing", async (context: ActivityContext) => void (await aborted(context)), {}],
    ["returns what does not encode", (context: ActivityContext) => aborted(context).then(() => Number.NaN), {}],
  ])("and %s leaves the work to be done by the next delivery", async (_, stop, options) => {
    const clock = new FakeClock();
    let runs = 0;
    const charge = defineActivity({ run: (context) => (++runs === 1 ? stop(context) : "done") });
    const idempotency = idempotent({ store: new MemoryIdempotencyStore({ clock }) });
    const handler = new InvocableActivityHandler({ charge }, { clock, idempotency, ...options });
    const first = handler.handle(task());
    await expect.poll(() => runs).toBe(1);
    await clock.advance(10 * 60_000);
    expect(await first).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "deadline_exceeded" },
    });
    expect(valueOf(await handler.handle(task({ id: "task-2", heartbeat: LATER })))).toBe("done");
    expect(runs).toBe(2);
  });

  it("and never looks at its signal is believed when it returns nothing", async () => {
    const { handler, clock, runs } = carrier((_, time) => after(time, 10 * 60_000 + 1, undefined));
    const first = handler.handle(task());
    await expect.poll(() => runs()).toBe(1);
    await clock.advance(10 * 60_000 + 1);
    expect(await first).toMatchObject({ failure: { classification: "deadline_exceeded" } });
    expect(valueOf(await handler.handle(task({ id: "task-2", heartbeat: LATER })))).toBeNull();
    expect(runs()).toBe(1);
  });

  it("keeps its word though the store hangs: what was said in time is answered", async () => {
    const clock = new FakeClock();
    const store = new MemoryIdempotencyStore({ clock });
    vi.spyOn(store, "complete").mockImplementation(() => new Promise(() => {}));
    const { handler, runs } = carrier(() => "done", { store, clock });
    const result = handler.handle(task({ heartbeat: "2999-06-01T12:00:02Z" }));
    await expect.poll(() => runs()).toBe(1);
    await clock.advance(2000);
    expect(valueOf(await result)).toBe("done");
  });

  it("is waited for by shutdown, until its key is free", async () => {
    const store = new MemoryIdempotencyStore();
    let runs = 0;
    const charge = defineActivity({
      run: async (context) => {
        runs++;
        await aborted(context);
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw context.signal.reason;
      },
    });
    const first = new InvocableActivityHandler({ charge }, { idempotency: idempotent({ store }) });
    const result = first.handle(task());
    await expect.poll(() => runs).toBe(1);
    await first.shutdown();
    expect(await result).toMatchObject({ failure: { type: "CarrierShutdown" } });
    const second = new InvocableActivityHandler({ charge: () => "done" }, { idempotency: idempotent({ store }) });
    expect(valueOf(await second.handle(task({ id: "task-2" })))).toBe("done");
  });
});

it("no arguments are the same, however they are sent", async () => {
  const { handler, runs } = carrier((run) => run);
  const none = { ...task({ args: [] }), payloads: { arguments: null } };
  expect([valueOf(await handler.handle(task({ args: [] }))), valueOf(await handler.handle(none))]).toEqual([1, 1]);
  expect(runs()).toBe(1);
});

describe("the option idempotency.key", () => {
  it("byExecution holds over attempts, where the caller names the execution", async () => {
    const store = new MemoryIdempotencyStore();
    const { handler, runs } = carrier((run) => run, { idempotency: idempotent({ store, key: byExecution }) });
    const headers = { activity_execution_id: "execution-1" };
    expect(valueOf(await handler.handle(task({ key: "attempt-1", headers })))).toBe(1);
    expect(valueOf(await handler.handle(task({ key: "attempt-2", headers })))).toBe(1);
    expect(valueOf(await handler.handle(task({ key: "attempt-3" })))).toBe(2);
    expect(runs()).toBe(2);
  });

  it("may be made of the arguments, or leave a task out", async () => {
    const key = (_: unknown, [order]: readonly unknown[]) => (typeof order === "string" ? order : undefined);
    const { handler } = carrier((run) => run, {
      idempotency: idempotent({ store: new MemoryIdempotencyStore(), key }),
    });
    const runOf = async (id: string, ...args: AvroValue[]) => valueOf(await handler.handle(task({ key: id, args })));
    expect([await runOf("a", "order-1"), await runOf("b", "order-1")]).toEqual([1, 1]);
    expect([await runOf("c", 7), await runOf("c", 7)]).toEqual([2, 3]);
  });

  it("that throws fails the task", async () => {
    const key = () => {
      throw new RangeError("no key");
    };
    const { handler, runs } = carrier((run) => run, {
      idempotency: idempotent({ store: new MemoryIdempotencyStore(), key }),
    });
    expect(await handler.handle(task())).toMatchObject({ failure: { type: "RangeError", message: "no key" } });
    expect(runs()).toBe(0);
  });
});

it("bad options are refused when the carrier is made", () => {
  for (const idempotency of [{}, null, { store: {} }, { store: new MemoryIdempotencyStore(), ttlMs: 0 }]) {
    expect(() => idempotent(idempotency as never)).toThrow(TypeError);
    expect(() => new InvocableActivityHandler({}, { idempotency: idempotency as never })).toThrow(
      "idempotency must be what idempotent(...) makes",
    );
  }
});

it("one idempotency may serve several carriers, which keep out of each other's way but for the store", async () => {
  const idempotency = idempotent({ store: new MemoryIdempotencyStore() });
  const first = new InvocableActivityHandler({ charge: () => "first" }, { idempotency });
  const second = new InvocableActivityHandler({ charge: () => "second" }, { idempotency });
  expect(valueOf(await first.handle(task()))).toBe("first");
  await first.shutdown();
  expect(valueOf(await second.handle(task()))).toBe("first");
  expect(valueOf(await second.handle(task({ key: "key-2" })))).toBe("second");
});

/** The fingerprint that a carrier gives the task, as its store sees it. */
async function fingerprintIn(store: MemoryIdempotencyStore, clock: FakeClock): Promise<{ fingerprint: string }> {
  let fingerprint = "";
  const spy: IdempotencyStore = {
    claim: (key, claim) => {
      ({ fingerprint } = claim);
      return store.claim(`spied ${key}`, claim);
    },
    complete: (key, completion) => store.complete(`spied ${key}`, completion),
    release: (key, release) => store.release(`spied ${key}`, release),
  };
  await carrier(() => 1, { store: spy, clock }).handler.handle(task());
  return { fingerprint };
}
