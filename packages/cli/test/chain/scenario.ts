import fc from "fast-check";

/** The seed of all that is generated here. Another one: `CHAIN_SEED=7 npx vitest run packages/cli/test/chain`. */
export const SEED = Number(process.env["CHAIN_SEED"] ?? 20_260_422);

/** How many activities a test takes: `CHAIN_COUNT`, for all of them, or its own number. */
export function countOr(own: number): number {
  const count = Number(process.env["CHAIN_COUNT"] || own);
  if (!Number.isSafeInteger(count) || count < 20) throw new Error("CHAIN_COUNT must be a whole number from 20 on");
  return count;
}

/** How an attempt must be recorded, as it follows from what was generated. */
export type Expected =
  | { readonly end: "completed"; readonly value: unknown }
  /** Whichever of the two: what was sent can be read either way, or the value may have a form or none. */
  | { readonly end: "either" }
  /** By its limit. */
  | { readonly end: "stopped" }
  | {
      readonly end: "failed";
      /** Undefined where the attempt itself says it: then only that all agree. */
      readonly retryable?: boolean;
      /** The failure's type, or those that it may have; undefined for any. */
      readonly type?: string | null | readonly string[];
      /** What the message must hold. */
      readonly says?: string;
    };

/** What one attempt does. */
export interface Step<Act> {
  readonly label: string;
  readonly act: Act;
  readonly expected: Expected;
  /** Whether nothing but a limit ends it. */
  readonly needsLimit?: true;
}

/** An activity: the first attempt takes the first step, and so on; the last step is repeated. */
export interface Scenario<Act> {
  readonly steps: readonly Step<Act>[];
  readonly maxAttempts: number;
  readonly backoffSeconds: readonly number[];
}

/** The same scenarios for the same seed, in whichever process. */
export function scenarios<Act>(step: fc.Arbitrary<Step<Act>>, count: number, seed = SEED): readonly Scenario<Act>[] {
  const scenario = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    backoffSeconds: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom([], [0], [0, 0]) },
      { weight: 1, arbitrary: fc.constantFrom([1], [0, 1]) },
    ),
  });
  return fc.sample(scenario, { numRuns: count, seed });
}

/** The step that an attempt takes. @param attempt from 1 */
export function stepOf<Act>({ steps }: Pick<Scenario<Act>, "steps">, attempt: number): Step<Act> {
  const step = steps[Math.min(attempt, steps.length) - 1];
  if (step === undefined) throw new Error("a scenario has at least one step");
  return step;
}

/** Whether its attempts are to be ended after a second. On a busy machine that hits attempts which would have ended, too. */
export function isLimited({ steps }: Scenario<unknown>): boolean {
  return steps.some(({ needsLimit }) => needsLimit === true);
}
