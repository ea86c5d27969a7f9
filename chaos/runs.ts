import type { Ledger } from "./ledger.js";
import { linesOf } from "./lines.js";

/** An attempt that ran more than once. */
export interface Repeated {
  readonly index: number;
  readonly attempt: number;
  /** When each run began, in real time. */
  readonly at: readonly number[];
}

/** More than any activity here can have. */
const ATTEMPTS = 32;

/** What handlers have noted: a bit for each attempt that ran, and the times of those that ran more than once. */
export class Runs {
  total = 0;
  /** Those that belong to runs beyond the acknowledged ones. */
  ofOthers = 0;
  private readonly ran: Uint32Array;
  private readonly more = new Map<number, number[]>();

  private constructor(tasks: number) {
    this.ran = new Uint32Array(tasks);
  }

  static async read(file: string, tasks: number, ledger: Ledger): Promise<Runs> {
    const runs = new Runs(tasks);
    for await (const [index, attempt, , runId] of wordsOf(file)) {
      runs.total++;
      if (ledger.runIdOf(Number(index)) === runId) runs.take(Number(index), Number(attempt));
      else runs.ofOthers++;
    }
    if (runs.more.size === 0) return runs;
    for await (const [index, attempt, at, runId] of wordsOf(file)) {
      const times = runs.more.get(keyOf(Number(index), Number(attempt)));
      if (times !== undefined && ledger.runIdOf(Number(index)) === runId) times.push(Number(at));
    }
    return runs;
  }

  has(index: number, attempt: number): boolean {
    return ((this.ran[index] ?? 0) & bitOf(attempt)) !== 0;
  }

  get repeated(): readonly Repeated[] {
    return Array.from(this.more, ([key, at]) => ({ index: Math.floor(key / ATTEMPTS), attempt: key % ATTEMPTS, at }));
  }

  private take(index: number, attempt: number): void {
    if (this.has(index, attempt)) this.more.set(keyOf(index, attempt), []);
    this.ran[index] = (this.ran[index] ?? 0) | bitOf(attempt);
  }
}

function bitOf(attempt: number): number {
  if (attempt >= ATTEMPTS) throw new RangeError(`attempt ${attempt} is more than an activity here can have`);
  return 1 << attempt;
}

function keyOf(index: number, attempt: number): number {
  return index * ATTEMPTS + attempt;
}

async function* wordsOf(file: string): AsyncGenerator<readonly string[]> {
  for await (const line of linesOf(file)) yield line.split(" ");
}
