import { cpus, loadavg } from "node:os";
import { wordOf } from "./explain.js";
import type { DoneFault } from "./injector.js";
import type { ChaosOptions } from "./options.js";
import type { Part } from "./part.js";
import type { Growth } from "./sampler.js";
import type { Fault } from "./schedule.js";
import type { Verification } from "./verify.js";

export interface Findings {
  readonly options: ChaosOptions;
  readonly seconds: number;
  readonly schedule: readonly Fault[];
  readonly faults: readonly DoneFault[];
  readonly missing: ReadonlyMap<string, string>;
  readonly growth: readonly Growth[];
  readonly verification: Verification;
  /** Faults of each proxy, by edge. */
  readonly counts: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly parts: readonly Part[];
  readonly wrong: readonly string[];
}

const MOST_WRONG = 40;

/** The findings as JSON has them. */
export function sentencesOf(findings: Findings): object {
  const { options, seconds, faults, missing, growth, verification: found, counts, parts, wrong } = findings;
  const { journal, warnings, ends, disturbed, usedUp, repeated, told } = found;
  return {
    tasks: options.tasks,
    minutes: options.minutes,
    seed: options.seed,
    seconds,
    perSecond: journal.acknowledgedCount / seconds,
    wrong,
    acknowledged: found.acknowledged,
    runs: found.recordedRuns,
    attempts: found.recordedAttempts,
    handlerRuns: found.handlerRuns,
    histories: found.histories,
    repeatedStarts: found.repeatedStarts,
    untold: found.untold,
    effects: found.effects,
    ends: Object.fromEntries(ends),
    told: Object.fromEntries(told),
    disturbed: Object.fromEntries(disturbed),
    usedUp: Object.fromEntries(usedUp),
    repeated: Object.fromEntries(repeated),
    calledAgain: Object.fromEntries(journal.again),
    warnings: Object.fromEntries(warnings),
    growth,
    faults,
    missing: Object.fromEntries(missing),
    network: Object.fromEntries(counts),
    lives: Object.fromEntries(parts.map(({ name, lives }) => [name, lives.length])),
  };
}

/** The findings as a page. */
export function pageOf(findings: Findings): string {
  const { options, seconds, verification: found, growth, parts, wrong, missing } = findings;
  const { tasks, minutes, seed } = options;
  const { journal } = found;
  const seen = new Date().toISOString().slice(0, 10);
  const load = loadavg()[1] ?? 0;
  return [
    "# Chaos",
    "",
    `Written by \`npm run chaos -- --tasks ${tasks} --minutes ${minutes} --seed ${seed}\` on ${seen}: the same command does the same`,
    "faults to the same tasks at the same times. An engine on a file system of its own, three dispatchers, two carriers, and a client, each",
    "a process of its own, with a proxy on each of the twelve edges between them; all of them are killed, frozen, cut off, and given wrong",
    "clocks while they work.",
    "",
    `Node ${process.versions.node}, ${cpus().length} cores, load average ${load.toFixed(1)} at the end.`,
    "",
    wrong.length === 0
      ? "**Nothing is wrong**: every acknowledged start has one outcome, told once and alike by engine, dispatchers and client, within its policy."
      : `**${wrong.length} things are wrong:**`,
    ...(wrong.length === 0 ? [] : ["", ...wrong.slice(0, MOST_WRONG).map((one) => `- ${inline(one)}`)]),
    "",
    "## What was done",
    "",
    table(
      ["", "count"],
      [
        ["starts acknowledged", found.acknowledged],
        ["runs on record", found.recordedRuns],
        ["of which repeated by the network after the first had ended", found.repeatedStarts],
        ["attempts on record", found.recordedAttempts],
        ["runs of handlers", found.handlerRuns],
        ["histories read, event by event", found.histories],
        ["effects of idempotent activities, each once", found.effects],
        ["seconds, from the first start to the last outcome", Math.round(seconds)],
        ["tasks/s, as paced", (found.acknowledged / seconds).toFixed(0)],
        ["p50 from start to outcome, ms", quantile(journal.latencies, 0.5)],
        ["p99 from start to outcome, ms", quantile(journal.latencies, 0.99)],
        ["p50 of a start, ms", quantile(journal.startLatencies, 0.5)],
        ["p99 of a start, ms", quantile(journal.startLatencies, 0.99)],
      ],
    ),
    "",
    "## Faults",
    "",
    table(["fault", "times"], sorted(countBy(findings.faults.map(({ kind, target }) => `${kind} ${wordOf(target)}`)))),
    "",
    ...[...missing].map(([kind, why]) => `Left out: ${kind}, since ${why}.\n`),
    `In the proxies: ${list(sumOf(findings.counts.values()))}.`,
    "",
    "## Outcomes",
    "",
    table(["outcome", "activities"], sorted(found.ends)),
    "",
    `Dispatchers told of ${sum(found.told)} attempts: ${list(found.told)}. ${found.untold} attempts were reported by a dispatcher that was`,
    "killed before it could say so.",
    "",
    found.usedUp.size === 0
      ? "No activity ended otherwise than it would have without faults."
      : `Activities whose attempts were used up by faults: ${list(found.usedUp)}.`,
    "",
    "## Attempts that faults ended",
    "",
    table(["end", "attempts"], sorted(found.disturbed)),
    "",
    "## Attempts that ran twice",
    "",
    found.repeated.size === 0 ? "None." : table(["fault under way", "attempts"], sorted(found.repeated)),
    "",
    "## Memory and file descriptors",
    "",
    "Medians of the first and the last third of the run, of processes that have run for 8 s; all processes of a part together.",
    "",
    table(
      ["part", "processes", "MB, first", "MB, last", "peak", "descriptors, first", "last", ""],
      growth.map((one) => [
        one.part,
        parts.find(({ name }) => name === one.part)?.lives.length ?? 0,
        one.firstMb.toFixed(0),
        one.lastMb.toFixed(0),
        one.peakMb.toFixed(0),
        one.firstDescriptors,
        one.lastDescriptors,
        one.isFlat ? "flat" : "**grows**",
      ]),
    ),
    "",
    "## What was said meanwhile",
    "",
    `Calls that the client made again: ${list(journal.again)}.`,
    "",
    `Warnings of dispatchers: ${list(found.warnings)}.`,
    "",
  ].join("\n");
}

type Cell = string | number;

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map((cell) => inline(String(cell))).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function sorted(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].toSorted(([, one], [, other]) => other - one);
}

function list(counts: ReadonlyMap<string, number>): string {
  return counts.size === 0
    ? "none"
    : sorted(counts)
        .map(([name, times]) => `${inline(name)} ${times}`)
        .join(", ");
}

/** What others wrote stays in its place on the page. */
function inline(text: string): string {
  return text
    .replaceAll(/[\r\n]+/g, " ")
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;");
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function sumOf(all: Iterable<Readonly<Record<string, number>>>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of all)
    for (const [name, times] of Object.entries(one)) counts.set(name, (counts.get(name) ?? 0) + times);
  return counts;
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((one, other) => one + other, 0);
}

function quantile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length * share)] ?? 0;
}
