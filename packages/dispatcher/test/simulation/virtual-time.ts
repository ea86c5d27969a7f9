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

  private readonly turns: number;

  /**
   * @param epoch of its beginning, in milliseconds since 1970
   * @param turns of the event loop that what an instant brings about may take
   */
  constructor(epoch: number, turns = 1) {
    this.epoch = epoch;
    this.turns = turns;
  }

  now(): number {
    return this.epoch + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    return this.scheduleExactly(Math.ceil(delayMs), callback);
  }

  /** As {@link schedule}, for what is no timer of a process: to any part of a millisecond. */
  scheduleExactly(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.elapsed + delayMs, order: this.orders++, callback };
    this.push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** Goes on to a time, counted from its beginning. */
  async until(ms: number): Promise<void> {
    await this.settled();
    for (let next = this.heap[0]; next !== undefined && next.at <= ms; next = this.heap[0]) {
      this.elapsed = next.at;
      // All of one instant, then what they have brought about.
      for (; next !== undefined && next.at === this.elapsed; next = this.heap[0]) {
        this.pop();
        next.callback?.();
      }
      await this.settled();
    }
    this.elapsed = ms;
  }

  /** Promises and ticks have all run before an immediate does; nothing here waits for the system. */
  private async settled(): Promise<void> {
    for (let turn = 0; turn < this.turns; turn++) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
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
