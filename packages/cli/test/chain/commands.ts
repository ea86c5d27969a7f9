import { fileURLToPath } from "node:url";
import { jsonLines } from "../support/cli.js";
import type { Recorded, RecordedAttempt } from "./audit.js";
import { SEED } from "./scenario.js";

/** The file of activities that commands are given; with it, the environment that makes its scenarios those of the test. */
export const ACTIVITIES = fileURLToPath(new URL("command-activities.ts", import.meta.url));
export const environmentFor = (count: number): Readonly<Record<string, string>> => ({
  CHAIN_SEED: String(SEED),
  CHAIN_ACTIVITIES: String(count),
});

/** C0 but for the line feed, DEL and C1: what steers terminals. */
// oxlint-disable-next-line no-control-regex
export const STEERING = /[\0-\x09\x0b-\x1f\x7f-\x9f]/;

/** What a command's `--json` tells of a task. */
export interface TaskLine {
  readonly workflow: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly failure: { readonly type: string | null } | null;
}

/**
 * Every attempt that is told more than once, or otherwise than it was recorded; and lines about attempts that are not
 * recorded.
 */
export function wrongLines(
  stdout: string,
  recorded: readonly Recorded[],
  agrees: (line: TaskLine | undefined, attempt: RecordedAttempt) => boolean,
): readonly string[] {
  const told = new Map<string, TaskLine[]>();
  for (const line of jsonLines(stdout)) {
    if (line["event"] !== "task") continue;
    const task = line as unknown as TaskLine;
    const key = `${task.workflow} ${task.attempt}`;
    told.set(key, [...(told.get(key) ?? []), task]);
  }
  const wrong: string[] = [];
  for (const { activity_id: id, attempts } of recorded) {
    for (const attempt of attempts) {
      const key = `${id} ${attempt.attempt_number}`;
      const lines = told.get(key) ?? [];
      told.delete(key);
      const [line] = lines;
      if (lines.length > 1 || !agrees(line, attempt)) {
        wrong.push(`${key} is ${attempt.status} (${attempt.failure?.type}), told as ${JSON.stringify(lines)}`);
      }
    }
  }
  return [...wrong, ...[...told.keys()].map((key) => `${key} is told, and not recorded`)];
}
