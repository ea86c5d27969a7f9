import { describeReceived } from "../../protocol/fields.js";
import { knownOptions, type OptionNames } from "../../protocol/options.js";
import { type Clock, systemClock } from "../clock.js";
import type {
  IdempotencyClaim,
  IdempotencyClaimAnswer,
  IdempotencyCompletion,
  IdempotencyRelease,
  IdempotencyStore,
} from "./store.js";

/** Options of a store in memory. */
export interface MemoryIdempotencyStoreOptions {
  /** How many outcomes are remembered at most. Default 10,000. */
  readonly maxEntries?: number;
  /** How much they may take together: keys and records, counted as one byte per character. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Leases and times to live are measured with it. Default: the system's. */
  readonly clock?: Clock;
}

const OPTION_NAMES: OptionNames<MemoryIdempotencyStoreOptions> = {
  maxEntries: true,
  maxBytes: true,
  clock: true,
};

interface Held {
  readonly owner: string;
  readonly fingerprint: string;
  readonly until: number;
}

interface Finished {
  readonly record: string;
  readonly until: number;
}

/**
 * Remembers outcomes in this process: for development, tests, and carriers of a single process that may forget all when
 * it ends. Where it is full, the outcomes that were longest not asked for are forgotten, so that their tasks may run
 * again. Keys that are held by a running handler are never forgotten and do not count.
 */
export class MemoryIdempotencyStore implements IdempotencyStore {
  private readonly maxEntries: number;
  private readonly maxBytes: number;
  private readonly clock: Clock;
  /** In the order of their last claim. */
  private readonly held = new Map<string, Held>();
  /** In the order in which they were last asked for. */
  private readonly finished = new Map<string, Finished>();
  private bytes = 0;

  /** @throws {TypeError} for limits that are no positive integers */
  constructor(options?: MemoryIdempotencyStoreOptions) {
    const known = knownOptions(options, OPTION_NAMES, "MemoryIdempotencyStore");
    const { maxEntries = 10_000, maxBytes = 64 * 2 ** 20, clock = systemClock } = known;
    requirePositive("maxEntries", maxEntries);
    requirePositive("maxBytes", maxBytes);
    this.maxEntries = maxEntries;
    this.maxBytes = maxBytes;
    this.clock = clock;
  }

  async claim(key: string, { owner, fingerprint, leaseMs }: IdempotencyClaim): Promise<IdempotencyClaimAnswer> {
    const now = this.clock.monotonic();
    const finished = this.finished.get(key);
    if (finished !== undefined) {
      this.forget(key, finished);
      if (finished.until > now) {
        this.remember(key, finished);
        return { state: "finished", record: finished.record };
      }
    }
    const held = this.held.get(key);
    if (held !== undefined && held.until > now && held.owner !== owner) {
      return { state: "running", fingerprint: held.fingerprint };
    }
    this.held.delete(key);
    this.dropLapsed(now);
    this.held.set(key, { owner, fingerprint, until: now + leaseMs });
    return { state: "claimed" };
  }

  async complete(key: string, { owner, record, ttlMs }: IdempotencyCompletion): Promise<boolean> {
    const now = this.clock.monotonic();
    if (!this.isHeldBy(owner, key, now)) return false;
    this.held.delete(key);
    this.remember(key, { record, until: now + ttlMs });
    for (const [oldest, entry] of this.finished) {
      if (this.finished.size <= this.maxEntries && this.bytes <= this.maxBytes) break;
      this.forget(oldest, entry);
    }
    return true;
  }

  async release(key: string, { owner }: IdempotencyRelease): Promise<void> {
    if (this.isHeldBy(owner, key, this.clock.monotonic())) this.held.delete(key);
  }

  private isHeldBy(owner: string, key: string, now: number): boolean {
    const held = this.held.get(key);
    return held !== undefined && held.owner === owner && held.until > now;
  }

  /** Owners that never came back: those at the front have waited longest. */
  private dropLapsed(now: number): void {
    for (const [key, { until }] of this.held) {
      if (until > now) return;
      this.held.delete(key);
    }
  }

  private remember(key: string, entry: Finished): void {
    this.finished.set(key, entry);
    this.bytes += key.length + entry.record.length;
  }

  private forget(key: string, entry: Finished): void {
    this.finished.delete(key);
    this.bytes -= key.length + entry.record.length;
  }
}

function requirePositive(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return;
  throw new TypeError(`${name} must be an integer >= 1, got ${describeReceived(value)}`);
}
