import fc from "fast-check";
import type { HandlerStep } from "./handler-steps.js";
import { goodValue, oddText, thrownOddity } from "./odd-values.js";

const CRASHED = { end: "failed", retryable: true, type: "HandlerCrash" } as const;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is thrown where nobody catches it. */
const stray = fc.oneof(
  thrownOddity,
  oddText.map((text) => () => new Error(text)),
);

const crashing = fc.tuple(stray, fc.constantFrom("rejection", "timer", "exit")).map(
  ([make, how]): HandlerStep => ({
    label: `crashes by ${how}`,
    expected: CRASHED,
    act: async () => {
      if (how === "exit") process.exit(3);
      if (how === "rejection") void Promise.reject(make() as Error);
      else {
        setTimeout(() => {
          throw make();
        }, 1);
      }
      await sleep(200);
      return "too late";
    },
  }),
);

const afterwards = fc.tuple(stray, goodValue).map(
  ([make, value]): HandlerStep => ({
    label: "crashes once it is over",
    expected: { end: "completed", value },
    act: () => {
      setTimeout(() => {
        throw make();
      }, 50);
      return value;
    },
  }),
);

const innocent = goodValue.map(
  (value): HandlerStep => ({
    label: "works beside those that crash",
    expected: { end: "completed", value },
    act: async () => {
      await sleep(30);
      return value;
    },
  }),
);

/** What ends processes that do not guard themselves. */
export const strayStep: fc.Arbitrary<HandlerStep> = fc.oneof(crashing, afterwards, innocent);
