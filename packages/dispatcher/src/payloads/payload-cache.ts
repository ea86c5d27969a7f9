import type { StopSignal } from "../time/call-off.js";

/** Which payload, and what was verified of it. */
export interface CachedKey {
  readonly namespace: string;
  readonly referenceId: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface PayloadCacheLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** Those of the released SDKs. */
export const CACHE_LIMITS: PayloadCacheLimits = { maxEntries: 1024, maxBytes: 16 * 1024 * 1024 };

interface Pending<Outcome> {
  readonly outcome: Promise<Outcome>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Verified payloads by reference id, the least recently used least long. What several deliveries need at once is fetched
 * once: the fetch goes on as long as one of them waits for it. Payloads of one namespace are nothing to another.
 */
export class PayloadCache<Outcome extends { readonly kind: string; readonly bytes?: Buffer }> {
  private readonly limits: PayloadCacheLimits;
  private readonly entries = new Map<string, Buffer>();
  private readonly pending = new Map<string, Pending<Outcome>>();
  private held = 0;

  constructor(limits: PayloadCacheLimits = CACHE_LIMITS) {
    this.limits = limits;
  }

  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.held;
  }

  get(key: CachedKey): Buffer | undefined {
    const name = nameOf(key);
    const bytes = this.entries.get(name);
    if (bytes === undefined) return undefined;
    // The order of a Map is that of insertion: the least recently used is at its front.
    this.entries.delete(name);
    this.entries.set(name, bytes);
    return bytes;
  }

  /** Keeps verified bytes. */
  keep(key: CachedKey, bytes: Buffer): void {
    const { maxEntries, maxBytes } = this.limits;
    const name = nameOf(key);
    this.drop(name);
    if (bytes.length > maxBytes || maxEntries === 0) return;
    // A part of a larger buffer would keep all of it.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : Buffer.allocUnsafeSlow(bytes.length);
    if (own !== bytes) bytes.copy(own);
    this.entries.set(name, own);
    this.held += own.length;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= maxEntries && this.held <= maxBytes) return;
      this.drop(oldest);
    }
  }

  /**
   * What `fetch` comes to, called once for all who ask for the same payload meanwhile. Undefined for whoever stops waiting.
   *
   * @param fetch never rejects; its signal aborts when nobody waits any more
   * @param signal ends this caller's waiting only
   */
  async once(
    key: CachedKey,
    fetch: (signal: AbortSignal) => Promise<Outcome>,
    signal: StopSignal,
  ): Promise<Outcome | undefined> {
    if (signal.aborted) return undefined;
    const name = nameOf(key);
    const pending = this.pending.get(name) ?? this.start(name, key, fetch);
    pending.waiting++;
    const listener: { leave?: () => void } = {};
    const left = new Promise<undefined>((resolve) => {
      const leave = (): void => resolve(undefined);
      listener.leave = leave;
      signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([pending.outcome, left]);
    } finally {
      if (listener.leave !== undefined) signal.removeEventListener("abort", listener.leave);
      pending.waiting--;
      if (pending.waiting === 0 && signal.aborted) {
        // Whoever comes next must not wait for a fetch that is being given up.
        if (this.pending.get(name) === pending) this.pending.delete(name);
        pending.abort.abort();
      }
    }
  }

  private start(name: string, key: CachedKey, fetch: (signal: AbortSignal) => Promise<Outcome>): Pending<Outcome> {
    const abort = new AbortController();
    const outcome = fetch(abort.signal).then((fetched) => {
      if (fetched.bytes !== undefined) this.keep(key, fetched.bytes);
      if (this.pending.get(name) === pending) this.pending.delete(name);
      return fetched;
    });
    const pending: Pending<Outcome> = { outcome, abort, waiting: 0 };
    this.pending.set(name, pending);
    return pending;
  }

  private drop(name: string): void {
    const bytes = this.entries.get(name);
    if (bytes === undefined) return;
    this.entries.delete(name);
    this.held -= bytes.length;
  }
}

function nameOf({ namespace, referenceId, sha256, sizeBytes }: CachedKey): string {
  return `${referenceId} ${sha256} ${sizeBytes} ${namespace}`;
}
