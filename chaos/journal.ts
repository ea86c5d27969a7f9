import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";

/** Each line of a file that may be long. A last line without its end was being written by what was killed. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  if (!existsSync(file)) return;
  yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
}

/** How the client was told that an activity ended. */
export interface ToldEnd {
  readonly kind: string;
  readonly type: string;
  readonly attempts: number;
}

/** What the client has noted. */
export class Journal {
  /** Run ids of acknowledged starts, by index. */
  readonly acknowledged: (string | undefined)[] = [];
  readonly ends: (ToldEnd | undefined)[] = [];
  readonly problems: string[] = [];
  /** From the acknowledgement to the end as the client was told it, in milliseconds. */
  readonly latencies: number[] = [];
  /** How long starts took to be acknowledged. */
  readonly startLatencies: number[] = [];
  /** Calls that had to be made again, by what they were and why. */
  readonly again = new Map<string, number>();
  /** Indexes of starts that had to be made again. */
  readonly startedAgain = new Set<number>();
  private readonly acknowledgedAt: number[] = [];

  static async read(file: string): Promise<Journal> {
    const journal = new Journal();
    for await (const line of linesOf(file)) journal.take(line.split(" "));
    return journal;
  }

  get acknowledgedCount(): number {
    return this.acknowledged.filter((runId) => runId !== undefined).length;
  }

  private take([word = "", number, ...rest]: readonly string[]): void {
    const index = Number(number);
    switch (word) {
      case "A": {
        const [runId = "-", at, tookMs] = rest;
        if (this.acknowledged[index] !== undefined) this.problems.push(`t-${index} was acknowledged twice`);
        this.acknowledged[index] = runId;
        this.acknowledgedAt[index] = Number(at);
        this.startLatencies.push(Number(tookMs));
        break;
      }
      case "E": {
        const [kind = "", type = "", attempts, at] = rest;
        if (this.ends[index] !== undefined) this.problems.push(`t-${index} was told to the client twice`);
        this.ends[index] = { kind, type, attempts: Number(attempts) };
        this.latencies.push(Number(at) - (this.acknowledgedAt[index] ?? 0));
        break;
      }
      case "R": {
        const what = rest.join(" ");
        if (rest[0] === "start") this.startedAgain.add(index);
        this.again.set(what, (this.again.get(what) ?? 0) + 1);
        break;
      }
      case "X":
        this.problems.push(`t-${index} could not be followed: ${rest.join(" ")}`);
        break;
      default:
    }
  }
}
