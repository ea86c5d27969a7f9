// Fills a queue without the API, which would take minutes for a million: through the engine's own operations, in large
// transactions.
import { systemClock } from "../../packages/local-engine/dist/clock.js";
import { EngineTime } from "../../packages/local-engine/dist/service/engine-time.js";
import { Feed } from "../../packages/local-engine/dist/service/feed.js";
import { Recent } from "../../packages/local-engine/dist/service/recent.js";
import { startActivity } from "../../packages/local-engine/dist/service/starts.js";
import { Wakes } from "../../packages/local-engine/dist/service/wakes.js";
import { Store } from "../../packages/local-engine/dist/store/store.js";

const BATCH = 20_000;

export async function fillQueue(file, length) {
  const time = new EngineTime(systemClock);
  const store = Store.open(file, { integrityCheck: "off", maxBatch: BATCH, now: time.now });
  store.write(() => store.namespaces.ensure("default", null, 0));
  const context = {
    store,
    clock: systemClock,
    time,
    now: time.now,
    recent: new Recent(time.now()),
    lease: 300_000_000,
    shortLease: 30_000_000,
    freeRedeliveries: 3,
    feed: new Feed(),
    logger: console,
    inputRead: () => Promise.resolve(),
    wakes: new Wakes(),
  };
  const policy = {
    maxAttempts: 1,
    backoffSeconds: [],
    nonRetryableErrorTypes: [],
    startToCloseSeconds: null,
    scheduleToStartSeconds: null,
    scheduleToCloseSeconds: null,
    heartbeatSeconds: null,
  };
  const request = {
    namespace: "default",
    activityId: null,
    activityType: "t",
    activityClass: "t",
    taskQueue: "q",
    businessKey: null,
    policy,
    input: "wwHioz3/VYAiNwwCCgZBZGEA",
    rawBody: "",
  };
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
  const clock = new EngineTime(systemClock);
  const store = Store.open(file, { integrityCheck: "off", maxBatch: 1, now: clock.now });
  const now = clock.now();
  const look = () => store.ready.firstRun("default", "q", ["t"], now);
  for (let n = 0; n < LOOKUPS; n++) look();
  const before = performance.now();
  for (let n = 0; n < LOOKUPS; n++) look();
  const time = ((performance.now() - before) * 1000) / LOOKUPS;
  store.close();
  return time;
}
