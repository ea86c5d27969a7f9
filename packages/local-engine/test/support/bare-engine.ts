import type { EngineContext } from "../../src/service/context.js";
import { EngineTime } from "../../src/service/engine-time.js";
import { Feed } from "../../src/service/feed.js";
import { Recent } from "../../src/service/recent.js";
import { Wakes } from "../../src/service/wakes.js";
import type { Connection } from "../../src/store/connection.js";
import { Store } from "../../src/store/store.js";
import type { FakeClock } from "./fake-clock.js";

export interface BareEngineOptions {
  /** Default: in memory. */
  readonly file?: string;
  readonly clock: FakeClock;
  /** Most operations in one transaction. Default 100. */
  readonly maxBatch?: number;
  /** Of every lease. Default: an hour. */
  readonly leaseSeconds?: number;
  /** Default 3. */
  readonly freeRedeliveries?: number;
  /** Most rows of each kind that the store remembers. Default: as many as ever. */
  readonly mostRemembered?: number | undefined;
  /** Told of what is logged. Default: nobody is. */
  readonly log?: (message: string) => void;
}

/** What the engine's operations work with: an engine without its HTTP, its timers and its polls. */
export function bareEngine(options: BareEngineOptions): EngineContext {
  const {
    file = ":memory:",
    clock,
    maxBatch = 100,
    leaseSeconds = 3_600,
    freeRedeliveries = 3,
    mostRemembered,
  } = options;
  const time = new EngineTime(clock);
  const { now } = time;
  const log = (_: unknown, message: string): void => options.log?.(message);
  return {
    store: Store.open(file, { integrityCheck: "off", maxBatch, now, mostRemembered }),
    clock,
    time,
    now,
    lease: leaseSeconds * 1_000_000,
    shortLease: leaseSeconds * 1_000_000,
    freeRedeliveries,
    feed: new Feed(),
    recent: new Recent(now()),
    logger: { info: log, warn: log, error: log },
    wakes: new Wakes(),
    inputRead: () => Promise.resolve(),
  };
}

/** A disk that is full when it is told to be: so many commits of a store are refused. */
export class FullDisk {
  /** Commits that are still to be taken before. */
  spared = 0;
  /** Commits that are still to be refused. */
  refusals = 0;

  constructor(store: Store) {
    const commits = Reflect.get(store, "commits") as object;
    const commit = Reflect.get(commits, "commit") as ReturnType<Connection["prepare"]>;
    const run = commit.run.bind(commit);
    commit.run = (...parameters) => {
      if (this.refusals === 0) return run(...parameters);
      if (this.spared > 0) {
        this.spared--;
        return run(...parameters);
      }
      this.refusals--;
      throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
    };
  }
}
