import { describe, expect, it, vi } from "vitest";
import { FakeClock } from "../../../test/support/fake-clock.js";
import { runActivity, valueOf } from "../../../test/support/run-activity.js";
import { createContextKey } from "../context-values.js";
import { ActivityCancelled, NonRetryableError } from "../errors.js";
import { InvocableActivityHandler } from "../handler.js";
import { defineActivity } from "./define-activity.js";
import { type ActivityInterceptor, interceptWith } from "./interceptor.js";

/** The two kinds of activity: an interceptor must not tell them apart. */
const KINDS = {
  "a plain function": (lamp: string) => `${lamp} dimmed`,
  "a definition": defineActivity({ run: (_context, lamp: string) => `${lamp} dimmed` }),
  "an asynchronous function": (lamp: string) => Promise.resolve(`${lamp} dimmed`),
};

describe.each(Object.entries(KINDS))("around %s, interceptors", (_, activity) => {
  const run = (...interceptors: ActivityInterceptor[]) =>
    runActivity(activity, ["lamp-7"], { interceptors: interceptWith(...interceptors) });

  it("form an onion, the first outermost", async () => {
    const seen: string[] = [];
    const layer =
      (name: string): ActivityInterceptor =>
      (next) =>
      async (context, args) => {
        seen.push(`${name} in`);
        const value = await next(context, args);
        seen.push(`${name} out`);
        return `${name}(${String(value)})`;
      };
    expect(valueOf(await run(layer("a"), layer("b")))).toBe("a(b(lamp-7 dimmed))");
    expect(seen).toEqual(["a in", "b in", "b out", "a out"]);
  });

  it("may change the arguments", async () => {
    const upper: ActivityInterceptor = (next) => (context, args) =>
      next(
        context,
        args.map((arg) => String(arg).toUpperCase()),
      );
    expect(valueOf(await run(upper))).toBe("LAMP-7 dimmed");
  });

  it("may answer without the handler, at once or later", async () => {
    expect(valueOf(await run(() => () => "cached"))).toBe("cached");
    expect(valueOf(await run(() => async () => "cached"))).toBe("cached");
  });

  it("may fail the task before the handler runs", async () => {
    const refuse: ActivityInterceptor = () => () => {
      throw new NonRetryableError("no tenant", { type: "NoTenant" });
    };
    expect(await run(refuse)).toMatchObject({ outcome: { retryable: false }, failure: { type: "NoTenant" } });
  });

  it("may fail the task after the handler has run", async () => {
    const audit: ActivityInterceptor = (next) => async (context, args) => {
      await next(context, args);
      throw new ActivityCancelled("audited");
    };
    expect(await run(audit)).toMatchObject({ failure: { classification: "cancelled", message: "audited" } });
  });

  it("see what an inner one throws as a rejection, and may make a value of it", async () => {
    const rescue: ActivityInterceptor = (next) => (context, args) =>
      next(context, args).catch((error: Error) => error.message);
    const fail: ActivityInterceptor = () => () => {
      throw new Error("inner");
    };
    expect(valueOf(await run(rescue, fail))).toBe("inner");
  });

  it("may run the handler again", async () => {
    const twice: ActivityInterceptor = (next) => async (context, args) => [
      await next(context, args),
      await next(context, args),
    ];
    expect(valueOf(await run(twice))).toEqual(["lamp-7 dimmed", "lamp-7 dimmed"]);
  });
});

describe("interceptors", () => {
  it("are set up once for each activity, whatever the number of tasks", async () => {
    const setUp = vi.fn<ActivityInterceptor>((next) => (context, args) => next(context, args));
    const handler = new InvocableActivityHandler({ a: () => 1, b: () => 2 }, { interceptors: interceptWith(setUp) });
    await Promise.all([1, 2, 3].map(() => handler.handle({}).catch(() => {})));
    expect(setUp).toHaveBeenCalledTimes(2);
  });

  it("hand values to the handler, each run having its own", async () => {
    const tenant = createContextKey("nobody", { description: "tenant" });
    const other = createContextKey("nobody", { description: "tenant" });
    const assign: ActivityInterceptor = (next) => (context, args) => {
      context.set(tenant, String(args[0]));
      return next(context, args);
    };
    const who = defineActivity({ run: (context) => [context.get(tenant), context.get(other)] });
    const results = await Promise.all(
      ["ada", "bob"].map((name) => runActivity(who, [name], { interceptors: interceptWith(assign) })),
    );
    expect(results.map(valueOf)).toEqual([
      ["ada", "nobody"],
      ["bob", "nobody"],
    ]);
  });

  it("stand outside a definition's schemas", async () => {
    const seen: unknown[] = [];
    const watch: ActivityInterceptor = (next) => async (context, args) => {
      try {
        return await next(context, args);
      } catch (error) {
        seen.push((error as Error).name);
        throw error;
      }
    };
    const refusing = {
      "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) },
    } as const;
    const activity = defineActivity({ input: [refusing], run: () => 1 });
    expect(await runActivity(activity, [1], { interceptors: interceptWith(watch) })).toMatchObject({
      failure: { classification: "decode_failure" },
    });
    expect(seen).toEqual(["ArgumentValidationFailure"]);
  });

  it("do not keep a task from being answered at its deadline", async () => {
    const clock = new FakeClock();
    const stuck: ActivityInterceptor = () => () => new Promise(() => {});
    const result = runActivity(() => 1, [], { interceptors: interceptWith(stuck), clock });
    await clock.advance(3_600_000);
    expect(await result).toMatchObject({ failure: { classification: "deadline_exceeded" } });
  });

  it("do not see tasks that never reach an activity", async () => {
    const seen = vi.fn<() => void>();
    const watch: ActivityInterceptor = (next) => (context, args) => {
      seen();
      return next(context, args);
    };
    const payloads = { arguments: { codec: "avro", blob: "broken" } };
    await runActivity(() => 1, [], { interceptors: interceptWith(watch) }, { payloads });
    await runActivity(() => 1, [], { interceptors: interceptWith(watch) }, { task: { handler: "other" } });
    expect(seen).not.toHaveBeenCalled();
  });

  it.each([
    ["no object of its own", {}],
    ["null", null],
    ["a list", [() => () => 1]],
  ])("are refused: %s", (_, interceptors) => {
    const make = () => new InvocableActivityHandler({}, { interceptors: interceptors as never });
    expect(make).toThrow(new TypeError("interceptors must be what interceptWith(...) makes"));
  });

  it("are refused when they are no functions", () => {
    expect(() => interceptWith(undefined as never)).toThrow(/^interceptWith takes functions/);
  });

  it("are refused when they return no function", () => {
    const make = () =>
      new InvocableActivityHandler({ a: () => 1 }, { interceptors: interceptWith((() => 7) as never) });
    expect(make).toThrow("an interceptor must return a function, got 7");
  });
});

describe("context.outcome", () => {
  const FAILED = { status: "failed", kind: "application", classification: "application_error" };

  it.each([
    ["a value", () => 1, { status: "succeeded" }],
    ["an error", () => Promise.reject(new TypeError("no")), { ...FAILED, type: "TypeError", retryable: true }],
    [
      "a final failure",
      () => Promise.reject(new NonRetryableError("no")),
      { ...FAILED, type: "NonRetryableError", retryable: false },
    ],
    [
      "a cancellation",
      () => Promise.reject(new ActivityCancelled()),
      {
        status: "failed",
        kind: "cancellation",
        classification: "cancelled",
        type: "ActivityCancelled",
        retryable: false,
      },
    ],
    [
      "what does not encode",
      () => Number.NaN,
      {
        status: "failed",
        kind: "decode_failure",
        classification: "decode_failure",
        type: "ResultEncodeFailure",
        retryable: false,
      },
    ],
  ])("says what the task is answered with: %s", async (_, activity, expected) => {
    const outcomes: unknown[] = [];
    const watch: ActivityInterceptor = (next) => (context, args) => {
      void context.outcome.then((outcome) => outcomes.push(outcome));
      return next(context, args);
    };
    await runActivity(activity, [], { interceptors: interceptWith(watch) });
    expect(outcomes).toEqual([expected]);
  });

  it("says so at the deadline, and to those who ask late", async () => {
    const clock = new FakeClock();
    const timeout = {
      status: "failed",
      kind: "timeout",
      classification: "deadline_exceeded",
      type: "ExternalTaskDeadlineExceeded",
      retryable: true,
    };
    let late: Promise<unknown> | undefined;
    const stuck: ActivityInterceptor = () => async (context) => {
      expect(await context.outcome).toEqual(timeout);
      late = context.outcome;
    };
    const result = runActivity(() => 1, [], { interceptors: interceptWith(stuck), clock });
    await clock.advance(3_600_000);
    await result;
    expect(await late).toEqual(timeout);
  });
});
