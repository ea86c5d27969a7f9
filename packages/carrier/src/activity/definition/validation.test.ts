import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { detailsOf, runActivity, valueOf } from "../../../test/support/run-activity.js";
import { isWellFormed } from "../../payload/text.js";
import { defineActivity } from "./define-activity.js";
import type { SchemaIssue, StandardSchema } from "./standard-schema.js";

/** A schema that finds these issues in whatever it is given. */
function reporting(issues: readonly SchemaIssue[]): StandardSchema<never> {
  return { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
}

/** What a task says whose argument, and what one says whose return value is refused. */
async function refusals(schema: StandardSchema<never>) {
  const definitions = [
    defineActivity({ input: [schema], run: () => 1 }),
    defineActivity({ output: schema, run: () => 1 as never }),
  ];
  const results = await Promise.all(definitions.map((definition) => runActivity(definition, [1])));
  return results.map((result) => {
    if (!("failure" in result)) throw new Error(`succeeded with ${JSON.stringify(valueOf(result))}`);
    const { issues } = detailsOf(result) as unknown as { issues: { path: (string | number)[]; message: string }[] };
    return { failure: result.failure, issues };
  });
}

describe("what a validator reports", () => {
  it("is cut where keys are long: they are the sender's", async () => {
    const prices = defineActivity({ input: [z.record(z.string(), z.number())], run: () => 1 });
    const keys = Array.from({ length: 40 }, (_, index) => `${index}-${"x".repeat(100_000)}`);
    const result = await runActivity(prices, [Object.fromEntries(keys.map((key) => [key, "free"]))]);
    const { issues } = detailsOf(result) as unknown as { issues: { path: unknown[] }[] };
    expect(issues).toHaveLength(40);
    expect(issues[7]?.path).toEqual([0, `${keys[7]?.slice(0, 200)}... (cut)`]);
    expect(JSON.stringify(result).length).toBeLessThan(60_000);
  });

  it("is cut where paths are deep, and says how much", async () => {
    const path = Array.from({ length: 30 }, (_, index) => `k${index}`);
    const [input, output] = await refusals(reporting([{ message: "no", path }]));
    expect(input?.issues[0]?.path).toEqual([0, ...path.slice(0, 19), "... (11 more)"]);
    expect(output?.issues[0]?.path).toEqual([...path.slice(0, 20), "... (10 more)"]);
    const [whole] = await refusals(reporting([{ message: "no", path: path.slice(0, 19) }]));
    expect(whole?.issues[0]?.path).toEqual([0, ...path.slice(0, 19)]);
  });

  it("is a refusal without an issue too", async () => {
    const [input, output] = await refusals(reporting([]));
    expect(input?.failure.message).toBe(
      "The arguments do not validate: [0]: The validator refused it without an issue.",
    );
    expect(output?.issues).toEqual([{ path: [], message: "The validator refused it without an issue." }]);
  });

  it("stays small and well-formed, whatever it is", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 30 }),
      fc
        .tuple(fc.constantFrom("x", "\ud800", "\udc00", "é"), fc.nat(30_000))
        .map(([unit, times]) => unit.repeat(times)),
    );
    const key: fc.Arbitrary<PropertyKey> = fc.oneof(text, fc.double(), text.map(Symbol));
    const segment = fc.oneof(
      key,
      key.map((inner) => ({ key: inner })),
    );
    const path = fc.option(
      fc.oneof(
        fc.array(segment, { maxLength: 40 }),
        fc.tuple(segment, fc.nat(10_000)).map(([same, times]) => Array.from({ length: times }, () => same)),
      ),
      { nil: undefined },
    );
    const issues = fc.oneof(
      fc.array(fc.record({ message: text, path }), { maxLength: 100 }),
      fc.tuple(fc.record({ message: text, path }), fc.nat(3000)).map(([same, times]) => Array(times + 1).fill(same)),
    );
    await fc.assert(
      fc.asyncProperty(issues, async (found: readonly SchemaIssue[]) => {
        for (const { failure, issues: shown } of await refusals(reporting(found))) {
          expect(failure.message.length).toBeLessThanOrEqual(16_384 + 9);
          expect(shown).toHaveLength(Math.min(Math.max(found.length, 1), 50));
          for (const { path: keys, message } of shown) {
            expect(message.length).toBeLessThanOrEqual(1000 + 9);
            expect(keys.length).toBeLessThanOrEqual(21);
            for (const part of keys) expect(String(part).length).toBeLessThanOrEqual(200 + 9);
          }
          expect(isWellFormed(failure.message + JSON.stringify(shown))).toBe(true);
          // In base64, as the payload's bytes are: 50 issues of a path and a message at most, three bytes a character.
          expect(JSON.stringify(failure).length).toBeLessThan(50 * (21 * 210 + 1010) * 3 * (4 / 3));
        }
      }),
      { numRuns: 60 },
    );
  });
});
