import { linesOf } from "./journal.js";

/** What a dispatcher has said of an attempt's end. */
export interface ToldAttempt {
  readonly end: string;
  readonly detail: string | null;
}

/** All that dispatchers have said, by attempt. */
export interface Told {
  readonly attempts: ReadonlyMap<string, readonly ToldAttempt[]>;
  /** How often each event was logged at `warn` or above. */
  readonly warnings: ReadonlyMap<string, number>;
}

export async function readTold(files: readonly string[]): Promise<Told> {
  const attempts = new Map<string, ToldAttempt[]>();
  const warnings = new Map<string, number>();
  for (const file of files) {
    for await (const line of linesOf(file)) {
      const said = parse(line);
      if (said === undefined) continue;
      if (said.level >= 40 && said.event !== "task_ended")
        warnings.set(said.event, (warnings.get(said.event) ?? 0) + 1);
      if (said.event !== "task_ended") continue;
      const known = attempts.get(said.attemptId);
      const one = { end: said.end, detail: said.detail };
      if (known === undefined) attempts.set(said.attemptId, [one]);
      else known.push(one);
    }
  }
  return { attempts, warnings };
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
