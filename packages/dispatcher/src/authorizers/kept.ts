import type { Clock } from "../time/clock.js";

/** What was got, and for how long it may be used. */
export interface Got<T> {
  readonly value: T;
  /** In milliseconds since the epoch, of this machine's clock. */
  readonly expiresAt: number;
}

/** So long before it ends is something got anew; or when half its life is over, where that is later. */
const EARLY_MS = 300_000;
/** What ends sooner is not used any more: it must still be good when it arrives. */
const LEAST_LEFT_MS = 10_000;

/**
 * Keeps a credential that ends, and gets another before it does. Whoever asks meanwhile waits for the same one. Where none can
 * be got, the old one is used as long as it is good.
 */
export class Kept<T> {
  private readonly get: () => Promise<Got<T>>;
  private readonly clock: Clock;
  private kept: (Got<T> & { readonly renewAt: number }) | undefined;
  private getting: Promise<T> | undefined;

  constructor(clock: Clock, get: () => Promise<Got<T>>) {
    this.clock = clock;
    this.get = get;
  }

  /** @param isRefused whether a value was refused by whom it was for: then it is not used again */
  async current(isRefused: (value: T) => boolean): Promise<T> {
    const { kept } = this;
    if (kept !== undefined && isRefused(kept.value)) this.kept = undefined;
    else if (kept !== undefined && this.clock.now() < kept.renewAt) return kept.value;
    this.getting ??= this.renew().finally(() => {
      this.getting = undefined;
    });
    try {
      return await this.getting;
    } catch (error) {
      const old = this.kept;
      if (old !== undefined && this.clock.now() < old.expiresAt - LEAST_LEFT_MS) return old.value;
      throw error;
    }
  }

  private async renew(): Promise<T> {
    const got = await this.get();
    const now = this.clock.now();
    this.kept = { ...got, renewAt: got.expiresAt - Math.min(EARLY_MS, (got.expiresAt - now) / 2) };
    return got.value;
  }
}
