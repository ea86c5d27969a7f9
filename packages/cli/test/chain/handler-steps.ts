import { ActivityCancelled, type ActivityContext, ActivityFailure, NonRetryableError } from "@durable-workflow/carrier";
import fc from "fast-check";
import {
  doubtfulValue,
  errorName,
  goodValue,
  hostileProxy,
  isPlain,
  oddText,
  refusedValue,
  revoked,
  thrownOddity,
} from "./odd-values.js";
import type { Step } from "./scenario.js";

/** What a handler does: returns, throws, or neither. */
export type Act = (context: ActivityContext) => unknown;
export type HandlerStep = Step<Act>;

/** Sometimes at once, sometimes later. */
const timing = fc.constantFrom<((act: () => unknown) => unknown)[]>(
  (act) => act(),
  async (act) => act(),
  async (act) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return act();
  },
);

const thrower = (make: fc.Arbitrary<Pick<HandlerStep, "label" | "expected"> & { make: () => unknown }>) =>
  fc.tuple(make, timing).map(
    ([{ label, expected, make: thrown }, when]): HandlerStep => ({
      label,
      expected,
      act: () =>
        when(() => {
          throw thrown();
        }),
    }),
  );

const ordinaryError = thrower(
  fc.tuple(errorName, oddText).map(([name, text]) => ({
    label: `throws an error ${JSON.stringify(name.slice(0, 20))}: ${JSON.stringify(text.slice(0, 20))}`,
    expected: {
      end: "failed",
      retryable: true,
      says: "Marked",
      ...(isPlain(name) ? { type: name } : {}),
    } as const,
    make: () => Object.assign(new Error(`Marked ${text}`), { name }),
  })),
);

const bareText = thrower(
  oddText.map((text) => ({
    label: `throws the text ${JSON.stringify(text.slice(0, 20))} alone`,
    expected: { end: "failed", retryable: true } as const,
    make: () => new Error(text),
  })),
);

const oddity = thrower(
  thrownOddity.map((make) => ({
    label: `throws the value of ${make.toString().slice(0, 60)}`,
    expected: { end: "failed", retryable: true } as const,
    make,
  })),
);

const knotted = thrower(
  fc
    .constantFrom(
      {
        label: "throws an AggregateError",
        make: () => new AggregateError([new Error("one \0"), revoked(), hostileProxy()], "Marked many"),
      },
      {
        label: "throws an error that causes itself",
        make: () => {
          const error: Error = new Error("Marked itself");
          error.cause = error;
          return error;
        },
      },
      {
        label: "throws causes in a circle",
        make: () => {
          const first = new Error("Marked first");
          const second = new Error("second", { cause: first });
          first.cause = new AggregateError([second, first], "knot", { cause: second });
          return first;
        },
      },
      {
        label: "throws an error with a hostile cause",
        make: () => new Error("Marked hostile", { cause: hostileProxy() }),
      },
      {
        label: "throws a deep chain of causes",
        make: () => {
          let error = new Error("the root");
          for (let depth = 0; depth < 5_000; depth++) error = new Error(`Marked ${depth}`, { cause: error });
          return error;
        },
      },
      {
        label: "throws an error with an odd stack",
        make: () => Object.assign(new Error("Marked stack"), { stack: `\0\ud800${"frame\n".repeat(40_000)}` }),
      },
    )
    .map(({ label, make }) => ({
      label,
      make,
      expected: { end: "failed", retryable: true, says: "Marked" } as const,
    })),
);

const details = fc.oneof(
  goodValue.map((value) => () => value),
  refusedValue,
  doubtfulValue,
  fc.constant(revoked),
);

const declared = thrower(
  fc
    .tuple(fc.constantFrom("non-retryable", "final", "retryable", "undecided"), errorName, oddText, details)
    .map(([kind, type, text, makeDetails]) => ({
      label: `throws a ${kind} failure`,
      expected: {
        end: "failed",
        retryable: kind === "retryable" || kind === "undecided",
        says: "Marked",
        ...(isPlain(type) ? { type } : {}),
      } as const,
      make: () => {
        const options = { type, details: makeDetails() };
        const message = `Marked ${text}`;
        if (kind === "non-retryable") return new NonRetryableError(message, options);
        if (kind === "undecided") return new ActivityFailure(message, options);
        return new ActivityFailure(message, { ...options, retryable: kind === "retryable" });
      },
    })),
);

const cancelled = thrower(
  oddText.map((text) => ({
    label: "throws a cancellation",
    expected: { end: "failed", retryable: false, type: "ActivityCancelled" } as const,
    make: () => new ActivityCancelled(`Marked ${text}`),
  })),
);

const returned = fc.tuple(goodValue, timing).map(
  ([value, when]): HandlerStep => ({
    label: `returns ${JSON.stringify(value).slice(0, 40)}`,
    expected: { end: "completed", value },
    act: () => when(() => value),
  }),
);

const nothing = fc.constant<HandlerStep>({
  label: "returns nothing",
  expected: { end: "completed", value: null },
  act: () => undefined,
});

const unencodable = fc.tuple(refusedValue, timing).map(
  ([make, when]): HandlerStep => ({
    label: `returns what has no form: ${make.toString().slice(0, 60)}`,
    expected: { end: "failed", retryable: false, type: "ResultEncodeFailure" },
    act: () => when(make),
  }),
);

const doubtful = fc.tuple(doubtfulValue, timing).map(
  ([make, when]): HandlerStep => ({
    label: `returns what may have a form: ${make.toString().slice(0, 60)}`,
    expected: { end: "either" },
    act: () => when(make),
  }),
);

/** More than fits into a report: the engine keeps it apart. */
const LARGE = "z".repeat(3_000_000);
const large = fc.constant<HandlerStep>({
  label: "returns 3 MB",
  expected: { end: "completed", value: LARGE },
  act: () => LARGE,
});

const endless = fc
  .constantFrom<Act[]>(
    () => new Promise(() => undefined),
    // oxlint-disable-next-line unicorn/no-thenable
    () => ({ then: () => undefined }),
    async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await new Promise(() => undefined);
    },
  )
  .map(
    (act): HandlerStep => ({
      label: `never settles: ${act.toString().slice(0, 60)}`,
      expected: { end: "stopped" },
      needsLimit: true,
      act,
    }),
  );

/** As a handler does that computes: nothing else of its process gets a turn. */
const blocking = goodValue.map(
  (value): HandlerStep => ({
    label: "blocks its thread",
    expected: { end: "completed", value },
    act: () => {
      const end = Date.now() + 300;
      while (Date.now() < end);
      return value;
    },
  }),
);

const progress = fc.oneof(
  oddText.map((message) => () => ({ message })),
  fc.record({ current: fc.double(), total: fc.double(), unit: oddText }).map((said) => () => said),
  fc.constantFrom<(() => unknown)[]>(
    () => null,
    () => 7,
    () => "half",
    () => ({ details: { deep: () => 1 } }),
    () => ({ current: "1" }),
    revoked,
    hostileProxy,
  ),
);

const beating = fc.tuple(fc.array(progress, { minLength: 1, maxLength: 3 }), goodValue).map(
  ([said, value]): HandlerStep => ({
    label: "sends odd progress",
    expected: { end: "completed", value },
    act: async (context) => {
      for (const one of said) {
        try {
          context.heartbeat(one() as Parameters<ActivityContext["heartbeat"]>[0]);
        } catch {
          // Refused, and said so: the activity goes on.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
      return value;
    },
  }),
);

/** What handlers do that end by themselves. */
export const quickStep: fc.Arbitrary<HandlerStep> = fc.oneof(
  { weight: 6, arbitrary: ordinaryError },
  { weight: 4, arbitrary: bareText },
  { weight: 5, arbitrary: oddity },
  { weight: 4, arbitrary: knotted },
  { weight: 6, arbitrary: declared },
  { weight: 2, arbitrary: cancelled },
  { weight: 8, arbitrary: returned },
  { weight: 1, arbitrary: nothing },
  { weight: 4, arbitrary: unencodable },
  { weight: 5, arbitrary: doubtful },
  { weight: 3, arbitrary: beating },
);

/** All that handlers do. */
export const handlerStep: fc.Arbitrary<HandlerStep> = fc.oneof(
  { weight: 60, arbitrary: quickStep },
  { weight: 1, arbitrary: endless },
  { weight: 1, arbitrary: large },
  { weight: 1, arbitrary: blocking },
);
