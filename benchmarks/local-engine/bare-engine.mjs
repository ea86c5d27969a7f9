// What the engine's operations work with, without HTTP, timers and polls: as `packages/local-engine/test/support/bare-engine.ts`
// has it, of the engine as it is built.
import { systemClock } from "../../packages/local-engine/dist/clock.js";
import { EngineTime } from "../../packages/local-engine/dist/service/engine-time.js";
import { Feed } from "../../packages/local-engine/dist/service/feed.js";
import { Recent } from "../../packages/local-engine/dist/service/recent.js";
import { Wakes } from "../../packages/local-engine/dist/service/wakes.js";
import { Store } from "../../packages/local-engine/dist/store/store.js";

const nothing = () => undefined;

/** @param {string} file @param {{ maxBatch: number, integrityCheck?: "off" | "quick" | "full" | "auto" }} options */
export function bareEngine(file, { maxBatch, integrityCheck = "off" }) {
  const time = new EngineTime(systemClock);
  const { now } = time;
  return {
    store: Store.open(file, { integrityCheck, maxBatch, now }),
    clock: systemClock,
    time,
    now,
    lease: 300_000_000,
    shortLease: 30_000_000,
    freeRedeliveries: 3,
    feed: new Feed(),
    recent: new Recent(now()),
    logger: { info: nothing, warn: nothing, error: nothing },
    wakes: new Wakes(),
    inputRead: () => Promise.resolve(),
  };
}
