import type { Clock } from "../../src/index.js";

interface Timer {
  readonly at: number;
  /** Timers of one instant fire as they were set. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Time that many share, and that goes on when nothing is left to do at an instant. It holds hundreds of thousands of timers. */
export class VirtualTime implements Clock {
  private readonly heap: Timer[] = [];
  private readonly epoch: number;
  private elapsed = 0;
  private orders = 0;

  /** @param epoch of its beginning, in milliseconds since 1970 */
  constructor(epoch: number) {
    this.epoch = epoch;
  }

  now(): number {
    return this.epoch + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.elapsed + Math.ceil(delayMs), order: this.orders++, callback };
    this.push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** Goes on to a time, counted from its beginning. */
  async until(ms: number): Promise<void> {
    await settled();
    for (let next = this.heap[0]; next !== undefined && next.at <= ms; next = this.heap[0]) {
      this.elapsed = next.at;
      // All of one instant, then what they have brought about.
      for (; next !== undefined && next.at === this.elapsed; next = this.heap[0]) {
        this.pop();
        next.callback?.();
      }
      await settled();
    }
    this.elapsed = ms;
  }

  private push(timer: Timer): void {
    const { heap } = this;
    let place = heap.push(timer) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(timer, heap[parent])) break;
      heap[place] = heap[parent] as Timer;
      place = parent;
    }
    heap[place] = timer;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (let child = 1; child < heap.length; child = place * 2 + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[place] = heap[child] as Timer;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(one: Timer | undefined, other: Timer | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Promises and ticks have all run before an immediate does; nothing here waits for the system. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
