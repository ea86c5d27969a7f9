import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { z } from "zod";
import { detailsOf, runActivity, valueOf } from "../../../test/support/run-activity.js";
import { type ActivityArguments, ActivityTestEnvironment } from "../../testing/index.js";
import { defineActivity } from "./define-activity.js";
import type { ActivityHandler } from "./registry.js";
import type { StandardSchema } from "./standard-schema.js";

/** A label, then any number of amounts. */
const SCHEMAS = {
  zod: z.tuple([z.string()], z.number()),
  valibot: v.tupleWithRest([v.string()], v.number()),
  arktype: type(["string", "...", "number[]"]),
} as const;

describe.each(Object.entries(SCHEMAS))("a list of arguments validated by %s", (_, input) => {
  const run = vi.fn((_context: unknown, ...args: unknown[]) => args);
  const sum = defineActivity({ input: input as StandardSchema<unknown, readonly unknown[]>, run });

  it.each([[["a"]], [["a", 1]], [["a", 1, 2, 3]]])("reaches the handler when it validates: %j", async (args) => {
    expect(valueOf(await runActivity(sum, args))).toEqual(args);
  });

  it.each([
    [["a", 1, "2"], [2]],
    [[7, 1], [0]],
  ])("fails the task where %j does not, at the argument's index", async (args, path) => {
    run.mockClear();
    const result = await runActivity(sum, args);
    expect(result).toMatchObject({
      outcome: { retryable: false },
      failure: { classification: "decode_failure", type: "ArgumentValidationFailure" },
    });
    expect(detailsOf(result)).toMatchObject({ issues: [{ path }] });
    expect(run).not.toHaveBeenCalled();
  });
});

describe("one schema of all arguments", () => {
  it("can check one against another, and hands the handler what it makes of them", async () => {
    const range = z
      .tuple([z.number(), z.number()])
      .refine(([from, to]) => from <= to, "it ends before it begins")
      .transform(([from, to]) => [from, to - from] as const);
    const read = defineActivity({ input: range, run: (_context, from, length) => [from, length] });
    expect(valueOf(await runActivity(read, [3, 10]))).toEqual([3, 7]);
    const refused = await runActivity(read, [10, 3]);
    expect(detailsOf(refused)).toEqual({ issues: [{ path: [], message: "it ends before it begins" }] });
    expect(refused).toMatchObject({ failure: { message: "The arguments do not validate: it ends before it begins" } });
  });

  it("may be asynchronous, and leave arguments out", async () => {
    const input = z.tuple([z.string(), z.number().optional()]).refine(async ([lamp]) => lamp !== "lamp-8");
    const dim = defineActivity({ input, run: (_context, lamp, level = 10) => [lamp, level] });
    expect(await new ActivityTestEnvironment().run(dim, ["lamp-7"])).toEqual(["lamp-7", 10]);
    expect(await runActivity(dim, ["lamp-8"])).toMatchObject({ failure: { type: "ArgumentValidationFailure" } });
    expect(await runActivity(dim, ["lamp-7", 1, 2])).toMatchObject({ failure: { type: "ArgumentValidationFailure" } });
  });

  it("that makes no list fails the task as a handler does that throws, and says what to do", async () => {
    const input = z.tuple([z.string()]).transform(([lamp]) => ({ lamp }));
    const dim = defineActivity({ input: input as unknown as typeof SCHEMAS.zod, run: () => 1 });
    expect(await runActivity(dim, ["lamp-7"])).toMatchObject({
      outcome: { retryable: true },
      failure: {
        classification: "application_error",
        type: "TypeError",
        message:
          "the input of lamps.dim makes an object of the list of arguments: it must make a list, as a tuple schema does",
      },
    });
  });

  it("gives its types to the handler and to callers", () => {
    const byZod = defineActivity({
      input: SCHEMAS.zod,
      output: z.number(),
      run: (_context, label, ...amounts) => {
        expectTypeOf(label).toEqualTypeOf<string>();
        expectTypeOf(amounts).toEqualTypeOf<number[]>();
        return amounts.length;
      },
    });
    expectTypeOf<ActivityArguments<typeof byZod>>().toEqualTypeOf<[string, ...number[]]>();
    expectTypeOf(byZod).toExtend<ActivityHandler>();
    const byValibot = defineActivity({
      input: SCHEMAS.valibot,
      run: (_context, ...args) => expectTypeOf(args).toEqualTypeOf<[string, ...number[]]>(),
    });
    expectTypeOf<ActivityArguments<typeof byValibot>>().toEqualTypeOf<[string, ...number[]]>();
    const byArktype = defineActivity({
      input: SCHEMAS.arktype,
      run: (_context, ...args) => expectTypeOf(args).toEqualTypeOf<[string, ...number[]]>(),
    });
    expectTypeOf<ActivityArguments<typeof byArktype>>().toEqualTypeOf<[string, ...number[]]>();
    const preprocessed = defineActivity({
      input: z.preprocess((args) => args, z.array(z.number())),
      run: (_context, ...args) => expectTypeOf(args).toEqualTypeOf<number[]>(),
    });
    expectTypeOf<ActivityArguments<typeof preprocessed>>().toEqualTypeOf<readonly unknown[]>();
  });

  it("must be one of a list, by its type", () => {
    // @ts-expect-error a text is no list of arguments
    defineActivity({ input: z.string(), run: () => 1 });
    // @ts-expect-error neither is an object
    defineActivity({ input: z.tuple([z.string()]).transform(([lamp]) => ({ lamp })), run: () => 1 });
  });
});
