import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { ExternalPayloadReference } from "../protocol/payload-reference.js";
import { abortable } from "./abortable.js";
import { verifiedBlob } from "./verify.js";

/** How much a cache of payloads holds. */
export interface ExternalPayloadCacheOptions {
  /** Default 128. */
  readonly maxEntries?: number;
  /** Of stored bytes, which is what a blob takes in memory. A payload larger than that is not kept. Default 16 MiB. */
  readonly maxBytes?: number;
}

const OPTION_NAMES: OptionNames<ExternalPayloadCacheOptions> = {
  maxEntries: true,
  maxBytes: true,
};

interface Entry {
  readonly blob: string;
  readonly bytes: number;
}

/** A request that several callers may wait for. */
interface Pending {
  readonly blob: Promise<string>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Keeps fetched payloads, the least recently used least long. One reference that several tasks fetch at once is requested
 * once. It checks size and SHA-256 itself, before anything gets in: it never holds a byte that was not verified.
 *
 * One cache may serve any number of handlers; whether a handler may read a reference is asked of its own drivers first.
 */
export class ExternalPayloadCache {
  readonly maxEntries: number;
  readonly maxBytes: number;
  private readonly entries = new Map<string, Entry>();
  private readonly pending = new Map<string, Pending>();
  private held = 0;
  private hitCount = 0;
  private missCount = 0;
  private evictionCount = 0;

  /** @throws {TypeError} for a bound that is no integer >= 0 */
  constructor(options?: ExternalPayloadCacheOptions) {
    const { maxEntries, maxBytes } = knownOptions(options, OPTION_NAMES, "ExternalPayloadCache");
    this.maxEntries = readBound(maxEntries, 128, "maxEntries");
    this.maxBytes = readBound(maxBytes, 16 * 1024 * 1024, "maxBytes");
  }

  /** Payloads held. */
  get size(): number {
    return this.entries.size;
  }

  /** Stored bytes held. */
  get bytes(): number {
    return this.held;
  }

  /** Fetches served without a request of their own: from memory, or by one that was under way. */
  get hits(): number {
    return this.hitCount;
  }

  /** Fetches that made a request. */
  get misses(): number {
    return this.missCount;
  }

  /** Payloads dropped to make room for others. */
  get evictions(): number {
    return this.evictionCount;
  }

  /** The blob held for a reference; undefined for none. Counts as a hit, or as nothing. */
  get(reference: ExternalPayloadReference): string | undefined {
    const key = keyOf(reference);
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.hitCount++;
    // The order of a Map is that of insertion: the least recently used is at its front.
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.blob;
  }

  /**
   * The blob that a reference stands for: from memory, else by `request`, whose bytes are verified.
   *
   * @param request is called at most once however many callers wait, and given a signal that is aborted when all of them
   *   have left
   * @param signal ends this caller's waiting only
   */
  async fetch(
    reference: ExternalPayloadReference,
    request: (signal: AbortSignal) => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<string> {
    signal?.throwIfAborted();
    const blob = this.get(reference);
    if (blob !== undefined) return blob;
    const key = keyOf(reference);
    const pending = this.pending.get(key);
    if (pending !== undefined) this.hitCount++;
    return this.waitFor(key, pending ?? this.start(key, reference, request), signal);
  }

  /** Forgets the payload of a reference, for instance since it was deleted. */
  delete(reference: ExternalPayloadReference): void {
    this.pending.delete(keyOf(reference));
    this.drop(keyOf(reference));
  }

  /** Forgets all payloads; the counts stay. */
  clear(): void {
    this.pending.clear();
    this.entries.clear();
    this.held = 0;
  }

  private start(
    key: string,
    reference: ExternalPayloadReference,
    request: (signal: AbortSignal) => Promise<Uint8Array>,
  ): Pending {
    this.missCount++;
    const controller = new AbortController();
    const run = async (): Promise<string> => {
      const blob = await verifiedBlob(reference, await request(controller.signal));
      // Not when it was deleted, or given up, meanwhile.
      if (this.pending.get(key) === pending) this.keep(key, { blob, bytes: reference.sizeBytes });
      return blob;
    };
    const settle = (): void => {
      if (this.pending.get(key) === pending) this.pending.delete(key);
    };
    const pending: Pending = { blob: run(), controller, waiting: 0 };
    this.pending.set(key, pending);
    pending.blob.then(settle, settle);
    return pending;
  }

  private async waitFor(key: string, pending: Pending, signal: AbortSignal | undefined): Promise<string> {
    pending.waiting++;
    try {
      return await abortable(pending.blob, signal);
    } finally {
      pending.waiting--;
      if (pending.waiting === 0 && signal?.aborted === true) {
        // Whoever comes next must not wait for a request that is being given up.
        if (this.pending.get(key) === pending) this.pending.delete(key);
        pending.controller.abort(signal.reason);
      }
    }
  }

  private keep(key: string, entry: Entry): void {
    if (entry.bytes > this.maxBytes || this.maxEntries === 0) return;
    this.drop(key);
    this.entries.set(key, entry);
    this.held += entry.bytes;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.maxEntries && this.held <= this.maxBytes) return;
      this.drop(oldest);
      this.evictionCount++;
    }
  }

  private drop(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.held -= entry.bytes;
  }
}

/** Of fixed lengths and alphabets first, so that no two references share one. */
function keyOf({ uri, sha256, sizeBytes, codec }: ExternalPayloadReference): string {
  return `${sha256} ${sizeBytes} ${codec} ${uri}`;
}

function readBound(value: number | undefined, fallback: number, option: string): number {
  const bound = value ?? fallback;
  if (!Number.isSafeInteger(bound) || bound < 0) throw new TypeError(`${option} must be an integer >= 0`);
  return bound;
}
