// Fills a queue without the API, which would take minutes for a million: through the engine's own operations, in large
// transactions.
import { PLAIN_START } from "@durable-workflow/test-support/store-records";
import { startActivity } from "../../packages/local-engine/dist/service/starts.js";
import { bareEngine } from "./bare-engine.mjs";

const BATCH = 20_000;

export async function fillQueue(file, length) {
  const context = bareEngine(file, { maxBatch: BATCH });
  const { store } = context;
  store.write(() => store.namespaces.ensure("default", null, 0));
  const request = { ...PLAIN_START, input: "wwHioz3/VYAiNwwCCgZBZGEA" };
  for (let done = 0; done < length; done += BATCH) {
    await store.transact(() => {
      for (let n = 0; n < Math.min(BATCH, length - done); n++) startActivity(context, request);
    });
  }
  store.close();
}

const LOOKUPS = 20_000;

/** Microseconds to find the first task in line, without handing it out. */
export function lookupTime(file) {
  const { store, now } = bareEngine(file, { maxBatch: 1 });
  const at = now();
  const look = () => store.ready.firstRun("default", "q", ["t"], at);
  for (let n = 0; n < LOOKUPS; n++) look();
  const before = performance.now();
  for (let n = 0; n < LOOKUPS; n++) look();
  const time = ((performance.now() - before) * 1000) / LOOKUPS;
  store.close();
  return time;
}
