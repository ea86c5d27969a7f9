import { linesOf } from "./journal.js";

/** An attempt that ran more than once. */
export interface Repeated {
  readonly index: number;
  readonly attempt: number;
  /** When each run began, in real time. */
  readonly at: readonly number[];
}

/** What handlers have noted. */
export class Runs {
  total = 0;
  /** Those that belong to runs beyond the acknowledged ones. */
  ofOthers = 0;
  private readonly first = new Map<number, number>();
  private readonly more = new Map<number, number[]>();

  /** @param acknowledged run ids, by index */
  static async read(file: string, acknowledged: readonly (string | undefined)[]): Promise<Runs> {
    const runs = new Runs();
    for await (const line of linesOf(file)) {
      const [index, attempt, at, runId] = line.split(" ");
      runs.total++;
      if (acknowledged[Number(index)] === runId) runs.take(keyOf(Number(index), Number(attempt)), Number(at));
      else runs.ofOthers++;
    }
    return runs;
  }

  has(index: number, attempt: number): boolean {
    return this.first.has(keyOf(index, attempt));
  }

  get repeated(): readonly Repeated[] {
    return Array.from(this.more, ([key, at]) => ({ index: Math.floor(key / ATTEMPTS), attempt: key % ATTEMPTS, at }));
  }

  private take(key: number, at: number): void {
    const before = this.first.get(key);
    if (before === undefined) this.first.set(key, at);
    else this.more.set(key, [...(this.more.get(key) ?? [before]), at]);
  }
}

/** More than any activity here can have. */
const ATTEMPTS = 64;

function keyOf(index: number, attempt: number): number {
  return index * ATTEMPTS + attempt;
}
