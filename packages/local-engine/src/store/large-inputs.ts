/** Most characters of all that are remembered. */
const MOST_LENGTH = 33_554_432;

/**
 * Large arguments of runs that have not begun, as they came: most are leased out soon after, and reading a megabyte back takes
 * as long as writing it. No state of its own, as `RecordCache`. Those that came first stay: they are the next to be leased out.
 */
export class LargeInputs<Input> {
  private readonly inputs = new Map<number, { readonly input: Input; readonly length: number }>();
  private readonly most: number;
  private total = 0;

  /** @param most how many. Default: any number */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most;
  }

  /** The characters of all that is remembered. */
  get length(): number {
    return this.total;
  }

  /** @param length in characters; with what is there already at most 32 Mi: more is not remembered */
  set(run: number, input: Input, length: number): void {
    this.delete(run);
    if (this.inputs.size >= this.most || this.total + length > MOST_LENGTH) return;
    this.inputs.set(run, { input, length });
    this.total += length;
  }

  /** Gives what is remembered, and forgets it: it is asked for once, but after a failure. */
  take(run: number): Input | undefined {
    const known = this.inputs.get(run)?.input;
    this.delete(run);
    return known;
  }

  delete(run: number): void {
    const known = this.inputs.get(run);
    if (known === undefined) return;
    this.inputs.delete(run);
    this.total -= known.length;
  }

  clear(): void {
    this.inputs.clear();
    this.total = 0;
  }
}
