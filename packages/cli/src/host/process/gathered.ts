/** So many go at once: what is large is not held up by all that follows. */
const MOST = 16;

/** Sends what is added in one run of microtasks together: a message between processes costs much more than what is in it. */
export class Gathered<Item> {
  private readonly send: (items: readonly Item[]) => void;
  private items: Item[] = [];

  constructor(send: (items: readonly Item[]) => void) {
    this.send = send;
  }

  add(item: Item): void {
    this.items.push(item);
    if (this.items.length === MOST) this.flush();
    else if (this.items.length === 1) queueMicrotask(() => this.flush());
  }

  /** Sends at once what has been added: something else is to come after it. */
  flush(): void {
    const { items } = this;
    if (items.length === 0) return;
    this.items = [];
    this.send(items);
  }
}
