import { expect, it } from "vitest";
import { LentMemory } from "./lent-memory.js";

const MIB = 1_048_576;

it("memory is lent to one at a time, and again once it was given back", () => {
  const memory = new LentMemory();
  const first = memory.lend(MIB);
  const second = memory.lend(MIB);
  expect(second === first).toBe(false);
  memory.giveBack(first);
  expect(memory.lend(2 * MIB) === first).toBe(false);
  expect(memory.lend(MIB - 5) === first).toBe(true);
  expect(memory.lend(MIB) === first).toBe(false);
});

it("no more is kept than four of the largest", () => {
  const memory = new LentMemory();
  const lent = Array.from({ length: 6 }, () => memory.lend(4 * MIB));
  for (const one of lent) memory.giveBack(one);
  memory.giveBack(memory.lend(5 * MIB));
  const again = Array.from({ length: 6 }, () => memory.lend(4 * MIB));
  expect(again.filter((one) => lent.includes(one))).toHaveLength(4);
});
