import { expect, it } from "vitest";
import { LentMemory } from "./lent-memory.js";

const MIB = 1024 * 1024;

it("memory is lent to one at a time, and again once all who hold it have released it", () => {
  const memory = new LentMemory();
  const first = memory.lend(MIB);
  const second = memory.lend(MIB);
  expect(first.bytes.length).toBe(MIB);
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  first.hold();
  first.release();
  expect(memory.lend(MIB).bytes.buffer).not.toBe(first.bytes.buffer);
  first.release();
  expect(memory.lend(2 * MIB).bytes.buffer).not.toBe(first.bytes.buffer);
  const again = memory.lend(MIB - 5);
  expect(again.bytes.buffer).toBe(first.bytes.buffer);
  expect(again.bytes.length).toBe(MIB - 5);
  expect(memory.lend(MIB).bytes.buffer).not.toBe(first.bytes.buffer);
});

it("no more is kept than four of the largest", () => {
  const memory = new LentMemory();
  const lent = Array.from({ length: 6 }, () => memory.lend(4 * MIB));
  for (const one of lent) one.release();
  memory.lend(5 * MIB).release();
  const known = new Set(lent.map(({ bytes }) => bytes.buffer));
  const again = Array.from({ length: 6 }, () => memory.lend(4 * MIB));
  expect(again.filter(({ bytes }) => known.has(bytes.buffer))).toHaveLength(4);
});
