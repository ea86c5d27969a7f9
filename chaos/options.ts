import { parseArgs } from "node:util";

export interface ChaosOptions {
  /** Activities that are started. */
  readonly tasks: number;
  /** How long their starts are spread over, at least; faults go on as long. */
  readonly minutes: number;
  /** Of the tasks and of the schedule of faults. */
  readonly seed: number;
  /** Where the report goes, as a page with a plot beside it; undefined for nowhere but the output. */
  readonly page: string | undefined;
  /** Faults that are begun in a minute. */
  readonly faultsPerMinute: number;
  /** Whether it is a soak: a constant rate, no faults, and no proxies. */
  readonly soak: boolean;
  readonly json: boolean;
  /** Whether no faults are done, to compare with. */
  readonly calm: boolean;
  /** Whether the folder of the run, with all logs, stays. */
  readonly keep: boolean;
}

/** Of a soak, in a second. */
const SOAK_RATE = "80";

/** @throws {TypeError} that names the option */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tasks: { type: "string", default: "10000" },
      minutes: { type: "string" },
      seed: { type: "string" },
      page: { type: "string" },
      faults: { type: "string", default: "30" },
      soak: { type: "boolean", default: false },
      rate: { type: "string", default: SOAK_RATE },
      calm: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
    },
  });
  const { soak } = values;
  const minutes = number("--minutes", values.minutes ?? (soak ? "60" : "1.5"), 0.1, false);
  const rate = number("--rate", values.rate, 0.1, false);
  return {
    tasks: soak ? Math.round(rate * minutes * 60) : number("--tasks", values.tasks, 1, true),
    minutes,
    seed: values.seed === undefined ? Date.now() % 1_000_000 : number("--seed", values.seed, 0, true),
    page: values.page,
    faultsPerMinute: number("--faults", values.faults, 1, false),
    soak,
    calm: values.calm || soak,
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
