import { describe, expect, it } from "vitest";
import { ByteBudget, UNCOUNTED_BYTES } from "./byte-budget.js";

const MIB = 1024 * 1024;
const never = new AbortController().signal;
const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe("a budget of bytes", () => {
  it("lets in what fits, in the order of asking, and a large one before a later small one", async () => {
    const budget = new ByteBudget(10 * MIB);
    const first = await budget.acquire(8 * MIB, never);
    const order: string[] = [];
    const large = Promise.resolve(budget.acquire(6 * MIB, never)).then((held) => {
      order.push("large");
      return held;
    });
    const small = Promise.resolve(budget.acquire(1 * MIB, never)).then((held) => {
      order.push("small");
      return held;
    });
    await settled();
    expect([order, budget.queued, budget.bytes]).toEqual([[], 2, 8 * MIB]);
    first?.release();
    first?.release();
    (await large)?.release();
    (await small)?.release();
    expect([order, budget.bytes]).toEqual([["large", "small"], 0]);
  });

  it("lets a piece in that is larger than all the room, alone", async () => {
    const budget = new ByteBudget(MIB);
    const held = await budget.acquire(5 * MIB, never);
    const next = budget.acquire(5 * MIB, never);
    await settled();
    expect(budget.queued).toBe(1);
    held?.release();
    (await next)?.release();
    expect(budget.bytes).toBe(0);
  });

  it("forgets whoever stops waiting, and does not hold up those behind", async () => {
    const budget = new ByteBudget(4 * MIB);
    const held = await budget.acquire(3 * MIB, never);
    const leaving = new AbortController();
    const left = budget.acquire(4 * MIB, leaving.signal);
    const behind = budget.acquire(MIB, never);
    await settled();
    leaving.abort();
    expect(await left).toBeUndefined();
    (await behind)?.release();
    held?.release();
    expect([budget.bytes, budget.queued]).toEqual([0, 0]);
    expect(await budget.acquire(MIB, leaving.signal)).toBeUndefined();
  });

  it("takes back what was not needed, and does not count small pieces", async () => {
    const budget = new ByteBudget(4 * MIB);
    const held = await budget.acquire(4 * MIB, never);
    held?.shrink(MIB);
    expect(budget.bytes).toBe(MIB);
    await budget.acquire(UNCOUNTED_BYTES, never);
    expect(budget.bytes).toBe(MIB);
    held?.release();
    expect(budget.bytes).toBe(0);
  });
});
