import { defineActivity } from "@durable-workflow/carrier";
import { expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { type ActivityHandle, activityContract, activityRef, type Client } from "../src/index.js";

// Compiled, not run: what a caller's types say.
const charge = activityContract({
  name: "billing.charge",
  input: [z.string(), z.int()],
  output: z.object({ id: z.string() }),
});
const notify = activityContract("notify").types<[who: string], void>();
const greet = defineActivity({ name: "greet", run: (_context, name: string) => `Hello, ${name}` });
const plain = async (amount: number): Promise<number> => Promise.resolve(amount);

async function callers(client: Client): Promise<void> {
  expectTypeOf(await client.execute(charge, ["card-7", 1299])).toEqualTypeOf<{ id: string }>();
  expectTypeOf(await client.execute(notify, ["Ada"])).toEqualTypeOf<null>();
  expectTypeOf(await client.execute(greet, ["Ada"])).toEqualTypeOf<string>();
  expectTypeOf(await client.execute(activityRef<typeof greet>("greet"), ["Ada"])).toEqualTypeOf<string>();
  expectTypeOf(await client.execute("anything", [1, "two"])).toEqualTypeOf<unknown>();
  expectTypeOf(await client.start(charge, ["card-7", 1])).toEqualTypeOf<ActivityHandle<{ id: string }>>();
  expectTypeOf(client.handle("id", { of: charge })).toEqualTypeOf<ActivityHandle<{ id: string }>>();
  expectTypeOf(client.handle("id")).toEqualTypeOf<ActivityHandle<unknown>>();
  // @ts-expect-error -- an argument is missing
  await client.execute(charge, ["card-7"]);
  // @ts-expect-error -- not a number
  await client.execute(charge, ["card-7", "1299"]);

  const typed = client.typed<{ charge: typeof charge; hello: typeof greet; plain: typeof plain; LIMIT: number }>();
  expectTypeOf(await typed.execute("billing.charge", ["card-7", 1])).toEqualTypeOf<{ id: string }>();
  expectTypeOf(await typed.execute("greet", ["Ada"])).toEqualTypeOf<string>();
  expectTypeOf(await typed.execute("plain", [7])).toEqualTypeOf<number>();
  expectTypeOf(await typed.start("plain", [7])).toEqualTypeOf<ActivityHandle<number>>();
  // @ts-expect-error -- the export's name, where the definition has its own
  await typed.execute("hello", ["Ada"]);
  // @ts-expect-error -- no activity
  await typed.execute("LIMIT", []);
  for await (const item of client.startMany(charge, [["card-7", 1], { args: ["card-8", 2], options: { id: "x" } }])) {
    if (item.error === undefined) expectTypeOf(item.handle).toEqualTypeOf<ActivityHandle<{ id: string }>>();
  }
}

it("types are checked by the compiler", () => {
  expect(callers).toBeTypeOf("function");
});
