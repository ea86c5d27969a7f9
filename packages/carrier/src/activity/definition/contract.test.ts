import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { carrierClient } from "../../testing/carrier-client.js";
import { type ActivityContract, activityContract, activityRef, type ContractArgs } from "./contract.js";
import { defineActivity } from "./define-activity.js";

const Receipt = z.object({ id: z.string() });
const charge = activityContract({
  name: "billing.charge",
  input: [z.string(), z.string().transform(Number)],
  output: Receipt,
  defaults: { taskQueue: "billing", startToCloseSeconds: 60 },
});
const refund = activityContract("billing.refund", { taskQueue: "billing" }).types<[charge: string], { ok: boolean }>();

describe("a contract", () => {
  it("has the name, the types and the defaults, and is frozen", () => {
    expect(charge.name).toBe("billing.charge");
    expect(charge.defaults).toEqual({ taskQueue: "billing", startToCloseSeconds: 60 });
    expect(refund).toEqual({
      name: "billing.refund",
      input: undefined,
      output: undefined,
      defaults: { taskQueue: "billing" },
    });
    expect(Object.isFrozen(charge)).toBe(true);
    expectTypeOf(charge.name).toEqualTypeOf<"billing.charge">();
    expectTypeOf<ContractArgs<typeof charge>>().toEqualTypeOf<[string, string]>();
    expectTypeOf<ContractArgs<typeof refund>>().toEqualTypeOf<[charge: string]>();
  });

  it.each(["", "  ", undefined, 7])("needs a name, not %j", (name) => {
    expect(() => activityContract({ name } as never)).toThrow("the name of an activity contract must be a non-empty");
  });

  it("becomes an activity by being spread, or with run beside it", async () => {
    const spread = defineActivity({
      ...charge,
      run: (_context, card, cents) => ({ id: `${card}:${(cents + 1).toFixed(0)}` }),
    });
    const beside = defineActivity(charge, (_context, card, cents) => ({ id: `${card}:${(cents + 1).toFixed(0)}` }));
    const plain = defineActivity(refund, (_context, id) => ({ ok: id === "ch_1" }));
    for (const activity of [spread, beside]) {
      expect(activity.name).toBe("billing.charge");
      expect(activity.defaults).toBe(charge.defaults);
      expect(await carrierClient([activity]).call(activity, ["card-7", "1298"])).toEqual({ id: "card-7:1299" });
    }
    expect(await carrierClient([plain]).call(plain, ["ch_1"])).toEqual({ ok: true });
    expectTypeOf(beside.name).toEqualTypeOf<"billing.charge">();
    expectTypeOf(spread.name).toEqualTypeOf<"billing.charge">();
    // @ts-expect-error -- the contract says that it returns a receipt
    defineActivity(charge, () => "nothing");
    // @ts-expect-error -- the contract says that the argument is a text
    defineActivity(refund, (_context, id: number) => ({ ok: id === 1 }));
    // @ts-expect-error -- a contract is no activity without its handler
    expect(() => defineActivity(refund)).toThrow("run of billing.refund must be a function");
  });
});

describe("a reference to a definition", () => {
  const greet = defineActivity({ name: "greet", run: (_context, name: string) => `Hello, ${name}` });
  const nameless = defineActivity({ run: () => 1 });

  it("has its types and only its own name", () => {
    const reference = activityRef<typeof greet>("greet");
    expect(reference.name).toBe("greet");
    expect(reference.input).toBeUndefined();
    expectTypeOf(reference).toEqualTypeOf<ActivityContract<"greet", [name: string], string, undefined, undefined>>();
    // @ts-expect-error -- another name
    activityRef<typeof greet>("greeting");
    // @ts-expect-error -- it has no name of its own
    activityRef<typeof nameless>("nameless");
    expect(nameless.name).toBeUndefined();
  });
});
