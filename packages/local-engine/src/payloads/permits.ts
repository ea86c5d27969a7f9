interface Waiter {
  readonly weight: number;
  readonly grant: () => void;
}

/** A number of permits, or of bytes, that those who work at the same time share. First come, first served. */
export class Permits {
  private readonly most: number;
  private used = 0;
  private readonly waiting = new Set<Waiter>();

  constructor(most: number) {
    this.most = most;
  }

  /**
   * Waits for permits; more than there are count as all of them. The function returned gives them back, once.
   *
   * @throws the signal's reason (as a rejection)
   */
  async acquire(wanted: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const weight = Math.min(wanted, this.most);
    if (this.waiting.size > 0 || this.used + weight > this.most) await this.wait(weight, signal);
    else this.used += weight;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.used -= weight;
      this.next();
    };
  }

  private wait(weight: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.waiting.delete(waiter);
        reject(signal.reason as Error);
        this.next();
      };
      const waiter: Waiter = {
        weight,
        grant: () => {
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      this.waiting.add(waiter);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  private next(): void {
    for (const waiter of this.waiting) {
      if (this.used + waiter.weight > this.most) return;
      this.waiting.delete(waiter);
      this.used += waiter.weight;
      waiter.grant();
    }
  }
}
