import { IdTable } from "./id-table.js";
import { linesOf } from "./lines.js";

/** What a dispatcher has said of an attempt's end. */
export interface ToldAttempt {
  readonly end: string;
  readonly detail: string | null;
}

/** So many ends with their details are told apart; a byte says which. */
const MOST_KINDS = 240;
const NONE = 255;
const OTHER = "other";

/** All that dispatchers have said, by attempt. */
export class Told {
  /** Attempts of which something was said. */
  attempts = 0;
  /** Attempts of which more than one end was said, all of them. */
  readonly twice = new Map<string, ToldAttempt[]>();
  /** How often each event was logged at `warn` or above. */
  readonly warnings = new Map<string, number>();
  private readonly table = new IdTable();
  private readonly kinds: ToldAttempt[] = [];
  private readonly places = new Map<string, number>();

  static async read(files: readonly string[]): Promise<Told> {
    const told = new Told();
    for (const file of files) for await (const line of linesOf(file)) told.take(parse(line));
    return told;
  }

  of(attemptId: string): readonly ToldAttempt[] {
    const all = this.twice.get(attemptId);
    if (all !== undefined) return all;
    const kind = this.kinds[this.table.get(attemptId) ?? NONE];
    return kind === undefined ? [] : [kind];
  }

  private take(said: LogLine | undefined): void {
    if (said === undefined) return;
    if (said.event !== "task_ended") {
      if (said.level >= 40) this.warnings.set(said.event, (this.warnings.get(said.event) ?? 0) + 1);
      return;
    }
    const { attemptId, end, detail } = said;
    const before = this.of(attemptId);
    if (before.length > 0) this.twice.set(attemptId, [...before, { end, detail }]);
    else this.table.set(attemptId, this.placeOf({ end, detail }));
    this.attempts = this.table.size;
  }

  private placeOf(kind: ToldAttempt): number {
    const name = `${kind.end} ${kind.detail}`;
    const known = this.places.get(name);
    if (known !== undefined) return known;
    if (this.kinds.length >= MOST_KINDS && kind.detail !== OTHER) return this.placeOf({ end: kind.end, detail: OTHER });
    const place = this.kinds.push(kind) - 1;
    this.places.set(name, place);
    return place;
  }
}

interface LogLine {
  readonly level: number;
  readonly event: string;
  readonly attemptId: string;
  readonly end: string;
  readonly detail: string | null;
}

/** A line that is no JSON was being written when its dispatcher was killed. */
function parse(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
