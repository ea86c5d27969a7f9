import type { StopSignal } from "../time/call-off.js";

/** Gives a slot back. Calling it again does nothing. */
export type Release = () => void;

interface Waiter {
  readonly group: string;
  readonly grant: (release: Release) => void;
}

/**
 * Limits how many tasks are in flight, in all and for each carrier. The first slot of each carrier is always kept for it,
 * so that one whose tasks take long never keeps the others from working; beyond that, first come, first served, past
 * those whose carrier has all it may have.
 */
export class SlotPool {
  private total: number;
  private perGroup: number;
  private groups = new Set<string>();
  private readonly used = new Map<string, number>();
  private readonly waiters = new Set<Waiter>();

  constructor(total: number, perGroup: number, groups: Iterable<string>) {
    this.total = total;
    this.perGroup = perGroup;
    this.groups = new Set(groups);
  }

  /** Changes the limits. Slots that are taken stay taken. */
  configure(total: number, perGroup: number, groups: Iterable<string>): void {
    this.total = total;
    this.perGroup = perGroup;
    this.groups = new Set(groups);
    this.serve();
  }

  /** Slots taken, by held polls and by tasks. */
  get inUse(): number {
    let sum = 0;
    for (const count of this.used.values()) sum += count;
    return sum;
  }

  inUseOf(group: string): number {
    return this.used.get(group) ?? 0;
  }

  /** Whether somebody waits for a slot that one of this group would be. */
  contends(group: string): boolean {
    for (const waiter of this.waiters) {
      if (waiter.group === group || this.inUseOf(waiter.group) < this.perGroup) return true;
    }
    return false;
  }

  /** A slot, when one is free and nobody of the same group waits. */
  tryAcquire(group: string): Release | undefined {
    for (const waiter of this.waiters) {
      if (waiter.group === group) return undefined;
    }
    return this.fits(group) ? this.take(group) : undefined;
  }

  /** Resolves with a slot; with undefined when the signal aborts first. */
  acquire(group: string, signal: StopSignal): Promise<Release | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const free = this.tryAcquire(group);
    if (free !== undefined) return Promise.resolve(free);
    return new Promise((resolve) => {
      const cancel = (): void => {
        this.waiters.delete(waiter);
        resolve(undefined);
      };
      const waiter: Waiter = {
        group,
        grant: (release) => {
          signal.removeEventListener("abort", cancel);
          resolve(release);
        },
      };
      this.waiters.add(waiter);
      signal.addEventListener("abort", cancel, { once: true });
    });
  }

  private fits(group: string): boolean {
    const own = this.inUseOf(group);
    if (own >= this.perGroup) return false;
    if (own === 0) return true;
    let shared = 0;
    for (const count of this.used.values()) shared += Math.max(0, count - 1);
    return shared < this.total - this.groups.size;
  }

  private take(group: string): Release {
    this.used.set(group, this.inUseOf(group) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = this.inUseOf(group) - 1;
      if (left > 0) this.used.set(group, left);
      else this.used.delete(group);
      this.serve();
    };
  }

  private serve(): void {
    for (const waiter of this.waiters) {
      if (!this.fits(waiter.group)) continue;
      this.waiters.delete(waiter);
      waiter.grant(this.take(waiter.group));
    }
  }
}
