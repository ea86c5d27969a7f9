import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { deferred } from "../../../test/support/deferred.js";
import { FakeClock, NOON, settle } from "../../../test/support/fake-clock.js";
import { NO_TRACES, ONE_OF_EACH, SOON, startRun } from "../../../test/support/started-run.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import { ActivityCancelled, ExternalTaskDeadlineExceeded } from "../errors.js";
import { createActivityRun } from "./run.js";

const LATER_THAN_TIMERS = { ...SOON, at: NOON + 3 * 2 ** 31 };
const CANCELLED = new ActivityCancelled("enough");

forbidUnhandledRejections();

describe("a handler that is not asynchronous", () => {
  it.each([[1], [undefined], [null], ["text"], [{ later: 1 }], [() => 1]])(
    "ends with what it returned, without a timer or listener: %j",
    async (value) => {
      const { clock, outcome, traces } = startRun(() => value);
      expect(traces()).toEqual(NO_TRACES);
      await expect(outcome).resolves.toEqual({ kind: "returned", value });
      expect(clock.scheduled).toBe(0);
    },
  );

  it.each([[new Error("no")], ["no"], [undefined], [null]])("ends with what it threw: %j", async (error) => {
    const { outcome } = startRun(() => {
      throw error;
    });
    await expect(outcome).resolves.toEqual({ kind: "threw", error });
  });

  it.each([
    ["returns", () => 1],
    [
      "throws",
      () => {
        throw new Error("too late to matter");
      },
    ],
  ])("is cut off by a deadline that it blocked the thread past, though it %s", async (_, end) => {
    const clock = new FakeClock();
    const run = createActivityRun(clock, SOON, undefined);
    const outcome = run.execute(
      () => {
        clock.block(1000);
        return end();
      },
      () => {},
    );
    await expect(outcome).resolves.toEqual({ kind: "aborted", reason: expect.any(ExternalTaskDeadlineExceeded) });
    expect(run.signal().aborted).toBe(true);
  });

  it("may take all the time there is but the last millisecond", async () => {
    const clock = new FakeClock();
    const run = createActivityRun(clock, SOON, undefined);
    const outcome = run.execute(
      () => clock.block(999),
      () => {},
    );
    await expect(outcome).resolves.toEqual({ kind: "returned", value: undefined });
  });
});

describe("an asynchronous handler", () => {
  it("ends with what it resolved to", async () => {
    const { promise, resolve } = deferred<unknown>();
    const { outcome, traces } = startRun(() => promise);
    await settle();
    expect(traces()).toEqual(ONE_OF_EACH);
    resolve("done");
    await expect(outcome).resolves.toEqual({ kind: "returned", value: "done" });
    expect(traces()).toEqual(NO_TRACES);
  });

  it.each([[new Error("no")], ["no"], [undefined]])("ends with what it rejected with: %j", async (error) => {
    const { promise, reject } = deferred<unknown>();
    const { outcome, traces } = startRun(() => promise);
    reject(error);
    await expect(outcome).resolves.toEqual({ kind: "threw", error });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("harms nobody by a logger that throws when the handler settles late", async () => {
    const clock = new FakeClock();
    const { promise, resolve } = deferred<unknown>();
    const outcome = createActivityRun(clock, SOON, undefined).execute(
      () => promise,
      () => {
        throw new Error("the disk is full");
      },
    );
    await clock.advance(1000);
    await expect(outcome).resolves.toMatchObject({ kind: "aborted" });
    // What comes of it unhandled fails the test.
    resolve("late");
  });

  it("is answered at the deadline if it never settles", async () => {
    const { clock, run, outcome, traces } = startRun(() => new Promise(() => {}));
    await clock.advance(999);
    expect(run.signal().aborted).toBe(false);
    await clock.advance(1);
    const ended = await outcome;
    expect(ended).toEqual({ kind: "aborted", reason: run.signal().reason });
    expect(run.signal().reason).toMatchObject({
      name: "ExternalTaskDeadlineExceeded",
      message: "deadlines.start_to_close passed at 2999-06-01T12:00:01Z, while the handler was running.",
      deadline: "deadlines.start_to_close",
      expiresAt: "2999-06-01T12:00:01Z",
    });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("is held to a deadline that lies beyond what one timer can wait", async () => {
    const { clock, outcome, traces } = startRun(() => new Promise(() => {}), LATER_THAN_TIMERS);
    await clock.advance(3 * 2 ** 31 - 1);
    expect(traces()).toEqual(ONE_OF_EACH);
    await clock.advance(1);
    await expect(outcome).resolves.toMatchObject({ kind: "aborted" });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("loses against a deadline that passed while its first steps blocked the thread", async () => {
    const clock = new FakeClock();
    const run = createActivityRun(clock, SOON, undefined);
    const outcome = run.execute(
      async () => {
        clock.block(5000);
        await Promise.resolve();
        return "late";
      },
      () => {},
    );
    await expect(outcome).resolves.toMatchObject({ kind: "aborted" });
    expect(clock.liveTimers).toBe(0);
  });

  it("sets no timer without a deadline", async () => {
    const clock = new FakeClock();
    const { promise, resolve } = deferred<unknown>();
    const outcome = createActivityRun(clock, undefined, undefined).execute(
      () => promise,
      () => {},
    );
    resolve(1);
    await expect(outcome).resolves.toEqual({ kind: "returned", value: 1 });
    expect(clock.scheduled).toBe(0);
  });

  it.each([
    ["resolves", "resolve"],
    ["rejects", "reject"],
  ] as const)("is reported once when it %s after its task was answered", async (_, how) => {
    const handler = deferred<unknown>();
    const { clock, outcome, onLate } = startRun(() => handler.promise);
    await clock.advance(1000);
    const ended = await outcome;
    expect(onLate).not.toHaveBeenCalled();
    handler[how](new Error("late"));
    await settle();
    expect(onLate).toHaveBeenCalledTimes(1);
    expect(ended).toMatchObject({ kind: "aborted", reason: { name: "ExternalTaskDeadlineExceeded" } });
  });
});

describe("a signal that only tells the handler to stop", () => {
  const REASON = new Error("soon");
  const begin = (run: (signal: () => AbortSignal) => unknown) => {
    const stopping = new AbortController();
    const clock = new FakeClock();
    const activityRun = createActivityRun(clock, SOON, undefined, stopping.signal);
    return {
      stopping,
      outcome: activityRun.execute(
        () => run(() => activityRun.signal()),
        () => {},
      ),
    };
  };

  it("aborts the handler's signal, and what the handler does then counts", async () => {
    const { stopping, outcome } = begin(async (signal) => {
      const given = signal();
      await new Promise((resolve) => {
        given.addEventListener("abort", resolve);
      });
      return given.reason;
    });
    await settle();
    stopping.abort(REASON);
    await expect(outcome).resolves.toEqual({ kind: "returned", value: REASON });
    expect(getEventListeners(stopping.signal, "abort")).toEqual([]);
  });

  it("is told to those that ask later, and to those that never ask it is nothing", async () => {
    const { stopping, outcome } = begin(async (signal) => {
      await settle();
      return signal().reason;
    });
    stopping.abort(REASON);
    await expect(outcome).resolves.toEqual({ kind: "returned", value: REASON });
    const other = begin(() => settle());
    other.stopping.abort(REASON);
    await expect(other.outcome).resolves.toMatchObject({ kind: "returned" });
  });
});

describe("the caller's signal", () => {
  it("keeps the handler from being called when it is aborted already", async () => {
    const invoke = vi.fn<() => void>();
    const clock = new FakeClock();
    const run = createActivityRun(clock, SOON, AbortSignal.abort(CANCELLED));
    await expect(run.execute(invoke, () => {})).resolves.toEqual({ kind: "aborted", reason: CANCELLED });
    expect(invoke).not.toHaveBeenCalled();
    expect(run.signal().reason).toBe(CANCELLED);
    expect(clock.scheduled).toBe(0);
  });

  it("ends a handler that runs, with its reason", async () => {
    const { caller, run, outcome, traces } = startRun(() => new Promise(() => {}));
    expect(run.signal().aborted).toBe(false);
    await Promise.resolve();
    caller.abort(CANCELLED);
    expect(run.signal().reason).toBe(CANCELLED);
    await expect(outcome).resolves.toEqual({ kind: "aborted", reason: CANCELLED });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("ends a handler whose first steps aborted it", async () => {
    const caller = new AbortController();
    const clock = new FakeClock();
    const run = createActivityRun(clock, SOON, caller.signal);
    const outcome = run.execute(
      () => {
        caller.abort(CANCELLED);
        return new Promise(() => {});
      },
      () => {},
    );
    await expect(outcome).resolves.toEqual({ kind: "aborted", reason: CANCELLED });
    expect(clock.liveTimers).toBe(0);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });

  it("changes nothing once the handler is done", async () => {
    const { caller, run, outcome } = startRun(() => Promise.resolve(1));
    await outcome;
    caller.abort(CANCELLED);
    expect(run.signal().aborted).toBe(false);
  });

  it("does not replace the deadline's reason, nor the deadline its", async () => {
    const first = startRun(() => new Promise(() => {}));
    await first.clock.advance(1000);
    first.caller.abort(CANCELLED);
    await expect(first.outcome).resolves.toMatchObject({ reason: { name: "ExternalTaskDeadlineExceeded" } });

    const second = startRun(() => new Promise(() => {}));
    second.caller.abort(CANCELLED);
    await second.clock.advance(1000);
    await expect(second.outcome).resolves.toEqual({ kind: "aborted", reason: CANCELLED });
  });
});

describe("the run's signal", () => {
  it("is made when it is asked for, and only once", async () => {
    const made = vi.fn<() => void>();
    vi.stubGlobal(
      "AbortController",
      class extends AbortController {
        constructor() {
          super();
          made();
        }
      },
    );
    const clock = new FakeClock();
    const run = createActivityRun(clock, SOON, undefined);
    const outcome = run.execute(
      () => new Promise(() => {}),
      () => {},
    );
    await clock.advance(1000);
    await outcome;
    expect(made).not.toHaveBeenCalled();
    expect(run.signal()).toBe(run.signal());
    expect(made).toHaveBeenCalledTimes(1);
    expect(run.signal().reason).toBeInstanceOf(ExternalTaskDeadlineExceeded);
    vi.unstubAllGlobals();
  });

  it("fires while the handler still runs, so that it can stop", async () => {
    const seen = vi.fn<(reason: unknown) => void>();
    const { clock, outcome, onLate } = startRun(
      (run) =>
        new Promise((_, reject) => {
          run.signal().addEventListener("abort", () => {
            seen(run.signal().reason);
            reject(run.signal().reason);
          });
        }),
    );
    await clock.advance(1000);
    await expect(outcome).resolves.toMatchObject({ kind: "aborted" });
    expect(seen).toHaveBeenCalledExactlyOnceWith(expect.any(ExternalTaskDeadlineExceeded));
    expect(onLate).toHaveBeenCalledTimes(1);
  });
});

describe("abort", () => {
  it.each([[CANCELLED], [new Error("stop")], [undefined], [null], ["stop"]])(
    "ends the run once, with the first reason: %j",
    async (reason) => {
      const { run, outcome, traces } = startRun(() => new Promise(() => {}));
      run.abort(reason);
      run.abort(new Error("another"));
      await expect(outcome).resolves.toEqual({ kind: "aborted", reason });
      expect(traces()).toEqual(NO_TRACES);
    },
  );

  it("before the start keeps the handler from being called", async () => {
    const invoke = vi.fn<() => void>();
    const run = createActivityRun(new FakeClock(), SOON, undefined);
    run.abort(CANCELLED);
    await expect(run.execute(invoke, () => {})).resolves.toEqual({ kind: "aborted", reason: CANCELLED });
    expect(invoke).not.toHaveBeenCalled();
  });
});
