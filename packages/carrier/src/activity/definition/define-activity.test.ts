import { type } from "arktype";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { z } from "zod";
import { detailsOf, runActivity, valueOf } from "../../../test/support/run-activity.js";
import { type ActivityArguments, ActivityTestEnvironment, carrierClient } from "../../testing/index.js";
import type { ActivityContext } from "../context.js";
import { ActivityFailure } from "../errors.js";
import { defineActivity, isActivityDefinition } from "./define-activity.js";
import type { ActivityHandler } from "./registry.js";
import type { StandardSchema } from "./standard-schema.js";

const DECODE_FAILURE = { kind: "decode_failure", classification: "decode_failure", cancelled: false };

describe("defineActivity", () => {
  it("passes a context in front of the arguments", async () => {
    const dim = defineActivity({ run: (context, lamp: string, level: number) => [context.info.taskId, lamp, level] });
    expect(valueOf(await runActivity(dim, ["lamp-7", 3]))).toEqual(["task-lamp-7", "lamp-7", 3]);
  });

  it("is recognised, and cannot be changed afterwards", () => {
    const schemas = [z.string()];
    const dim = defineActivity({ name: "lamps.dim", input: schemas, run: () => null });
    expect(isActivityDefinition(dim)).toBe(true);
    expect(isActivityDefinition({ ...dim })).toBe(false);
    expect(Object.isFrozen(dim)).toBe(true);
    schemas.push(z.string());
    expect(dim.input).toHaveLength(1);
  });

  it.each([
    ["name", { name: "" }],
    ["name", { name: "  " }],
    ["name", { name: 7 }],
    ["run", { run: undefined }],
    ["run of lamps.dim", { name: "lamps.dim", run: "dim" }],
    ["input", { input: "string" }],
    ["input", { input: [z.string(), "string"] }],
    ["input", { input: [{ "~standard": null }] }],
    ["input", { input: {} }],
    ["output of lamps.dim", { name: "lamps.dim", output: {} }],
    ["output", { output: [z.string()] }],
    ["output", { output: null }],
  ])("refuses a bad %s: %o", (what, wrong) => {
    const define = () => defineActivity({ run: () => null, ...wrong } as Parameters<typeof defineActivity>[0]);
    expect(define).toThrow(TypeError);
    expect(define).toThrow(new RegExp(`^${what} must be `));
  });

  it.each([
    [{}, "an object"],
    [[z.string(), "string"], "a string at [1]"],
    [[undefined], "nothing at [0]"],
  ])("says what an input may be: %j", (input, received) => {
    expect(() => defineActivity({ input: input as [], run: () => null })).toThrow(
      `input must be a list of Standard Schema validators, one for each argument, or one validator of the whole list, got ${received}`,
    );
  });
});

/** The same two arguments in three validators; what is wrong is said at the same places. */
const SCHEMAS = {
  zod: [z.string(), z.object({ cents: z.number().int(), tags: z.array(z.string()) })],
  valibot: [v.string(), v.object({ cents: v.pipe(v.number(), v.integer()), tags: v.array(v.string()) })],
  arktype: [type("string"), type({ cents: "number.integer", tags: "string[]" })],
} as const satisfies Record<string, readonly StandardSchema[]>;

describe.each(Object.entries(SCHEMAS))("arguments validated by %s", (_, input) => {
  const run = vi.fn((_context: ActivityContext, ...args: unknown[]) => args);
  const charge = defineActivity({ input: input as readonly StandardSchema[], run });

  it("reach the handler when they validate", async () => {
    const args = ["card-7", { cents: 1299, tags: ["new"] }];
    expect(valueOf(await runActivity(charge, args))).toEqual(args);
  });

  it.each([
    [["card-7", { cents: "1299", tags: [] }], [[1, "cents"]]],
    [
      [7, { cents: 1, tags: ["new", 7] }],
      [[0], [1, "tags", 1]],
    ],
    [["card-7"], [[1]]],
    [[], [[0], [1]]],
    [
      ["card-7", { cents: 1, tags: [] }, "more", 4],
      [[2], [3]],
    ],
  ])("fail the task where %j do not, each at its path", async (args, paths) => {
    run.mockClear();
    const result = await runActivity(charge, args);
    expect(result).toMatchObject({
      outcome: { status: "failed", retryable: false },
      failure: {
        ...DECODE_FAILURE,
        type: "ArgumentValidationFailure",
        message: expect.stringContaining("arguments do not"),
      },
    });
    const { issues } = detailsOf(result) as unknown as { issues: { path: unknown; message: string }[] };
    expect(issues.map(({ path }) => path)).toEqual(paths);
    for (const { message } of issues) expect(message).not.toBe("");
    expect(run).not.toHaveBeenCalled();
  });
});

describe("a schema", () => {
  it("hands the handler what it makes of the argument", async () => {
    const input = [z.iso.datetime().transform((text) => new Date(text)), z.number().default(10)] as const;
    const dim = defineActivity({ input, run: (_context, at, level) => [at.getTime(), level] });
    expect(valueOf(await runActivity(dim, ["1970-01-01T00:00:01Z"]))).toEqual([1000, 10]);
  });

  it("may be asynchronous", async () => {
    const known = z
      .string()
      .refine(async (lamp) => (await Promise.resolve(lamp)) === "lamp-7", "there is no such lamp");
    const dim = defineActivity({ input: [known], run: (_context, lamp) => lamp });
    expect(valueOf(await runActivity(dim, ["lamp-7"]))).toBe("lamp-7");
    const refused = await runActivity(dim, ["lamp-8"]);
    expect(detailsOf(refused)).toEqual({ issues: [{ path: [0], message: "there is no such lamp" }] });
    expect(refused).toMatchObject({
      failure: { message: "The arguments do not validate: [0]: there is no such lamp" },
    });
  });

  it("that throws fails the task as a handler does that throws", async () => {
    const broken: StandardSchema<string> = {
      "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new ActivityFailure("no directory")) },
    };
    expect(await runActivity(defineActivity({ input: [broken], run: () => 1 }), ["a"])).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "application_error", message: "no directory" },
    });
  });

  it("may name places in any way the interface allows", async () => {
    const path = ["a", { key: 1 }, { key: "b.c" }, Symbol("s"), 0.5];
    const odd: StandardSchema = {
      "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no \ud800", path }] }) },
    };
    const result = await runActivity(defineActivity({ input: [odd], run: () => 1 }), [1]);
    expect(detailsOf(result)).toEqual({
      issues: [{ path: [0, "a", 1, "b.c", "Symbol(s)", "0.5"], message: "no \ufffd" }],
    });
  });

  it("with thousands of issues fails the task all the same, with the first of them", async () => {
    const lists = defineActivity({ input: [z.array(z.string())], run: () => 1 });
    const result = await runActivity(lists, [Array.from({ length: 5000 }, () => 7)]);
    const { issues } = detailsOf(result) as unknown as { issues: unknown[] };
    expect(issues).toHaveLength(50);
  });
});

describe("a return value", () => {
  const output = z.object({ level: z.number().max(10) });

  it("is what the output schema makes of it", async () => {
    const dim = defineActivity({ output, run: () => ({ level: 3, secret: "x" }) });
    expect(valueOf(await runActivity(dim))).toEqual({ level: 3 });
  });

  it("that does not validate fails the task like one that does not encode", async () => {
    const result = await runActivity(defineActivity({ output, run: async () => ({ level: 11 }) }));
    expect(result).toMatchObject({
      outcome: { status: "failed", retryable: false },
      failure: { ...DECODE_FAILURE, type: "ResultValidationFailure" },
    });
    expect(detailsOf(result)).toMatchObject({ issues: [{ path: ["level"] }] });
  });

  it("may fail as a whole", async () => {
    const result = await runActivity(defineActivity({ output: z.string("a text"), run: () => 7 as never }));
    expect(detailsOf(result)).toEqual({ issues: [{ path: [], message: "a text" }] });
    expect(result).toMatchObject({ failure: { message: "The return value does not validate: a text" } });
  });
});

it("whatever the arguments are, the task gets an answer, and the handler only what validates", async () => {
  const input = [z.string(), z.number().optional()] as const;
  const dim = defineActivity({
    input,
    run: (_context, lamp, level) => typeof lamp === "string" && typeof level !== "string",
  });
  const argument = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constant(null),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(argument, { maxLength: 4 }), async (args) => {
      const [lamp, level] = args;
      const valid =
        args.length >= 1 &&
        args.length <= 2 &&
        typeof lamp === "string" &&
        (args.length === 1 || typeof level === "number");
      const result = await runActivity(dim, args);
      if (valid) expect(valueOf(result)).toBe(true);
      else expect(result).toMatchObject({ failure: { type: "ArgumentValidationFailure" } });
    }),
    { numRuns: 300 },
  );
});

describe("types", () => {
  it("flow from the schemas into the handler and out of it", () => {
    const input = [z.string(), z.string().transform(Number), z.number().optional()] as const;
    const charge = defineActivity({
      input,
      output: z.object({ at: z.string().transform((text) => text.length) }),
      run: (context, card, cents, tip) => {
        expectTypeOf(context).toEqualTypeOf<ActivityContext>();
        expectTypeOf(card).toEqualTypeOf<string>();
        expectTypeOf(cents).toEqualTypeOf<number>();
        expectTypeOf(tip).toEqualTypeOf<number | undefined>();
        return { at: "now" };
      },
    });
    expectTypeOf<NonNullable<(typeof charge)["~types"]>>().toEqualTypeOf<{
      readonly args: [string, string, (number | undefined)?];
      readonly result: { at: number };
    }>();
    expectTypeOf(charge).toExtend<ActivityHandler>();
  });

  it("come from the handler where there are no schemas", () => {
    const charge = defineActivity({ run: async (_context, card: string, cents: number = 100) => ({ card, cents }) });
    expectTypeOf<NonNullable<(typeof charge)["~types"]>>().toEqualTypeOf<{
      readonly args: [card: string, cents?: number | undefined];
      readonly result: { card: string; cents: number };
    }>();
  });

  it("let callers leave out what comes last and may be undefined", async () => {
    const run = () => 1;
    const byZod = defineActivity({
      name: "zod",
      input: [z.string(), z.number().default(10), z.boolean().optional()],
      run,
    });
    expectTypeOf<ActivityArguments<typeof byZod>>().toEqualTypeOf<
      [string, (number | undefined)?, (boolean | undefined)?]
    >();
    const byValibot = defineActivity({ input: [v.string(), v.optional(v.number())], run });
    expectTypeOf<ActivityArguments<typeof byValibot>>().toEqualTypeOf<[string, (number | undefined)?]>();
    const byArktype = defineActivity({ input: [type("string"), type("number | undefined")], run });
    expectTypeOf<ActivityArguments<typeof byArktype>>().toEqualTypeOf<[string, (number | undefined)?]>();
    const inTheMiddle = defineActivity({ input: [z.string().optional(), z.number()], run });
    expectTypeOf<ActivityArguments<typeof inTheMiddle>>().toEqualTypeOf<[string | undefined, number]>();
    const all = defineActivity({ input: [z.string().optional()], run });
    expectTypeOf<ActivityArguments<typeof all>>().toEqualTypeOf<[(string | undefined)?]>();
    const none = defineActivity({ input: [], run });
    expectTypeOf<ActivityArguments<typeof none>>().toEqualTypeOf<[]>();
    const anyLength = defineActivity({ input: [] as z.ZodOptional<z.ZodString>[], run });
    expectTypeOf<ActivityArguments<typeof anyLength>>().toEqualTypeOf<(string | undefined)[]>();

    expect(await carrierClient([byZod]).call(byZod, ["lamp-7"])).toBe(1);
    const env = new ActivityTestEnvironment();
    expect(await env.run(byZod, ["lamp-7", 3])).toBe(1);
    expect(await env.run(byValibot, ["lamp-7"])).toBe(1);
    expect(await env.run(byArktype, ["lamp-7"])).toBe(1);
    expect(await env.run(all, [])).toBe(1);
    // @ts-expect-error the last one must be there
    await expect(env.run(inTheMiddle, ["lamp-7"])).rejects.toThrow("ArgumentValidationFailure");
  });

  it("hold for valibot and arktype", () => {
    defineActivity({
      input: SCHEMAS.valibot,
      run: (_context, card, order) =>
        expectTypeOf([card, order.cents] as const).toEqualTypeOf<readonly [string, number]>(),
    });
    defineActivity({
      input: SCHEMAS.arktype,
      run: (_context, card, order) =>
        expectTypeOf([card, order.cents] as const).toEqualTypeOf<readonly [string, number]>(),
    });
  });

  it("refuse a handler that returns what its output schema does not take", () => {
    // @ts-expect-error the schema takes a text
    defineActivity({ output: z.string(), run: () => 7 });
  });
});
