import { setTimeout as pause } from "node:timers/promises";
import { garbageCollector } from "@durable-workflow/test-support/garbage";
import { expect, it, onTestFinished } from "vitest";
import { growSmallHeap } from "./heap.js";

const GROWS = "--heap-growing-percent=300";
const AS_IT_IS = "--heap-growing-percent=0";

it("a heap that runs activities is left to V8 once much of it is in use, and when that is asked for", async () => {
  const collect = garbageCollector();
  const flags: string[] = [];
  const leave = growSmallHeap((flag) => flags.push(flag));
  onTestFinished(leave);
  expect(flags).toEqual([GROWS]);
  const held = Array.from({ length: 10_000 }, () => Array.from({ length: 1_000 }, () => 0.5));
  while (flags.at(-1) !== AS_IT_IS) {
    collect();
    await pause(1);
  }
  expect(held).toHaveLength(10_000);
  leave();
  expect(flags.at(-1)).toBe(AS_IT_IS);
  collect();
  await pause(20);
  expect(flags.filter((flag) => flag === GROWS)).toHaveLength(1);
});
