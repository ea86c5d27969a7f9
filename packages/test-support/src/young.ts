import { garbageCollector } from "./garbage.js";

const BYTES = 2 ** 20;

/**
 * How much of what so many runs are given is still held once each is over, when only what has died young is collected:
 * all of it, where something that lives for long has led to it. V8 collects the young often, and for little; the rest seldom.
 *
 * @param run is given a MiB, and is over when it says so
 * @returns in MiB
 */
export async function heldByRuns(runs: number, run: (bytes: Uint8Array) => Promise<void> | void): Promise<number> {
  const collect = garbageCollector();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let index = 0; index < runs; index++) {
    await run(new Uint8Array(BYTES));
    await new Promise(setImmediate);
    collect({ type: "minor" });
  }
  // Twice: what was in use as it was collected grows old with the first.
  collect({ type: "minor" });
  const after = process.memoryUsage().arrayBuffers;
  collect();
  return (after - before) / BYTES;
}
