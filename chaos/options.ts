import { parseArgs } from "node:util";

export interface ChaosOptions {
  /** Activities that are started. */
  readonly tasks: number;
  /** How long their starts are spread over, at least; faults go on as long. */
  readonly minutes: number;
  /** Of the tasks and of the schedule of faults. */
  readonly seed: number;
  /** Where the report goes, as a page; undefined for nowhere but the output. */
  readonly report: string | undefined;
  readonly json: boolean;
  /** Whether no faults are done, to compare with. */
  readonly calm: boolean;
  /** Whether the folder of the run, with all logs, stays. */
  readonly keep: boolean;
}

/** @throws {TypeError} that names the option */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tasks: { type: "string", default: "10000" },
      minutes: { type: "string", default: "1.5" },
      seed: { type: "string" },
      report: { type: "string" },
      calm: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
    },
  });
  return {
    tasks: number("--tasks", values.tasks, 1, true),
    minutes: number("--minutes", values.minutes, 0.1, false),
    seed: values.seed === undefined ? Date.now() % 1_000_000 : number("--seed", values.seed, 0, true),
    report: values.report,
    calm: values.calm,
    json: values.json,
    keep: values.keep,
  };
}

function number(name: string, text: string, least: number, isWhole: boolean): number {
  const value = Number(text);
  if (Number.isNaN(value) || value < least || (isWhole && !Number.isSafeInteger(value))) {
    throw new TypeError(`${name} must be ${isWhole ? "an integer" : "a number"} >= ${least}`);
  }
  return value;
}
