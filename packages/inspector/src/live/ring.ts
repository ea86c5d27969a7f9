/** An event that was sent, with its place. */
export interface Kept {
  readonly sequence: number;
  readonly text: string;
}

/** The last events, as many as so many characters hold. */
export class Ring {
  private readonly kept: Kept[] = [];
  private readonly most: number;
  private length = 0;

  constructor(most: number) {
    this.most = most;
  }

  add(event: Kept): void {
    this.kept.push(event);
    this.length += event.text.length;
    while (this.length > this.most && this.kept.length > 1) this.length -= this.kept.shift()?.text.length ?? 0;
  }

  clear(): void {
    this.kept.length = 0;
    this.length = 0;
  }

  /** Those after a place; undefined where some of them are gone. */
  after(sequence: number, last: number): readonly Kept[] | undefined {
    if (sequence > last) return undefined;
    if (sequence === last) return [];
    const first = this.kept[0]?.sequence;
    return first === undefined || first > sequence + 1
      ? undefined
      : this.kept.filter((event) => event.sequence > sequence);
  }
}
