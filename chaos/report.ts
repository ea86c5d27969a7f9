import { cpus, loadavg } from "node:os";
import { plotOf, sparkOf } from "./chart.js";
import { wordOf } from "./explain.js";
import type { DoneFault } from "./injector.js";
import type { Ledger } from "./ledger.js";
import type { ChaosOptions } from "./options.js";
import type { Part } from "./part.js";
import type { Growth } from "./sampler.js";
import { type Cell, inline, list, sorted, sum, table } from "./tables.js";
import { panelsOf, type Timeline } from "./timeline.js";
import type { Verification } from "./verify.js";

/** What is known of a run while it goes on. */
export interface Progress {
  readonly options: ChaosOptions;
  /** Since the first start. */
  readonly seconds: number;
  readonly ledger: Ledger;
  readonly timeline: Timeline;
  readonly faults: readonly DoneFault[];
  readonly missing: ReadonlyMap<string, string>;
  readonly growth: readonly Growth[];
  /** Faults of each proxy, by edge. */
  readonly counts: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly parts: readonly Part[];
  /** Of the process that does the faults, has the proxies, and judges. */
  readonly driver: { readonly peakMb: number; readonly cpuMs: number };
  /** One-minute load averages of the machine, one of each minute. */
  readonly loads: readonly number[];
}

export interface Findings extends Progress {
  readonly verification: Verification;
  /** Whether it was ended before all was started. */
  readonly isInterrupted: boolean;
  readonly verifySeconds: number;
  readonly wrong: readonly string[];
}

const MOST_WRONG = 40;

/** The findings as JSON has them. */
export function sentencesOf(findings: Findings): object {
  const { options, seconds, faults, missing, growth, verification: found, counts, parts, wrong, ledger } = findings;
  const { warnings, ends, disturbed, usedUp, repeated, told } = found;
  return {
    tasks: options.tasks,
    minutes: options.minutes,
    seed: options.seed,
    seconds,
    perSecond: ledger.endedCount / seconds,
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
    calledAgain: Object.fromEntries(ledger.again),
    warnings: Object.fromEntries(warnings),
    growth,
    minutesSeen: findings.timeline.rows,
    driver: findings.driver,
    faults,
    missing: Object.fromEntries(missing),
    network: Object.fromEntries(counts),
    lives: Object.fromEntries(parts.map(({ name, lives }) => [name, lives.length])),
  };
}

/** The picture that a page shows. */
export function pictureOf({ timeline }: Progress): string {
  return plotOf(panelsOf(timeline));
}

/** What is known so far, as a page. */
export function progressPageOf(progress: Progress, picture?: string): string {
  return [
    ...headOf(progress),
    "**Not finished, and nothing is verified yet.**",
    "",
    ...countsOf(progress),
    ...minutesOf(progress, picture),
    ...faultsOf(progress),
    ...memoryOf(progress),
  ].join("\n");
}

/** The findings as a page. @param picture where its plot is */
export function pageOf(findings: Findings, picture?: string): string {
  const { wrong, isInterrupted, ledger } = findings;
  return [
    ...headOf(findings),
    ...(isInterrupted ? [`It was ended early, after ${ledger.begunCount} starts; all of them are verified.`, ""] : []),
    wrong.length === 0
      ? "**Nothing is wrong**: every acknowledged start has one outcome, told once and alike by engine, dispatchers and client, within its policy."
      : `**${wrong.length} things are wrong:**`,
    ...(wrong.length === 0 ? [] : ["", ...wrong.slice(0, MOST_WRONG).map((one) => `- ${inline(one)}`)]),
    "",
    ...countsOf(findings, findings),
    ...minutesOf(findings, picture),
    ...faultsOf(findings),
    ...outcomesOf(findings),
    ...memoryOf(findings),
    ...saidOf(findings),
  ].join("\n");
}

function headOf({ options, loads }: Progress): readonly string[] {
  const { tasks, minutes, seed, soak, calm, faultsPerMinute } = options;
  const seen = new Date().toISOString().slice(0, 10);
  const what = soak
    ? `--soak --minutes ${minutes} --rate ${tasks / minutes / 60} --seed ${seed}`
    : `--tasks ${tasks} --minutes ${minutes} --seed ${seed} --faults ${faultsPerMinute}${calm ? " --calm" : ""}`;
  const middle = loads.toSorted((one, other) => one - other)[loads.length >> 1] ?? loadavg()[0] ?? 0;
  return [
    soak ? "# Soak" : "# Chaos",
    "",
    `Written by \`npm run chaos -- ${what}\` on ${seen}.`,
    ...(soak
      ? [
          "A constant rate and no faults: an engine on a file system of its own, three dispatchers, two carriers and a client, each a process",
          "of its own. What is looked for is what grows: memory, file descriptors, and how long an activity takes.",
        ]
      : [
          "The same command does the same faults to the same tasks at the same times. An engine on a file system of its own, three dispatchers,",
          "two carriers, and a client, each a process of its own, with a proxy on each of the twelve edges between them; all of them are killed,",
          "frozen, cut off, and given wrong clocks while they work.",
        ]),
    "",
    `Node ${process.versions.node}, ${cpus().length} cores; load average in the middle ${middle.toFixed(1)}, at most ${Math.max(middle, ...loads).toFixed(1)}, other`,
    "work on the machine included.",
    "",
  ];
}

function countsOf(progress: Progress, findings?: Findings): readonly string[] {
  const { ledger, seconds, driver } = progress;
  const { quick, startLatency } = ledger.all;
  const found = findings?.verification;
  const known: (readonly [string, Cell])[] = [
    ["starts acknowledged", ledger.acknowledgedCount],
    ["outcomes told to the client", ledger.endedCount],
  ];
  const verified: readonly (readonly [string, Cell])[] =
    found === undefined
      ? []
      : [
          ["runs on record, each looked at", found.recordedRuns],
          ["of which repeated by the network after the first had ended", found.repeatedStarts],
          ["attempts on record, each looked at", found.recordedAttempts],
          ["runs of handlers", found.handlerRuns],
          ["histories read, event by event", found.histories],
          ["effects of idempotent activities, each once", found.effects],
          ["seconds that the verification took", findings?.verifySeconds.toFixed(0) ?? 0],
        ];
  const measured: readonly (readonly [string, Cell])[] = [
    ["seconds, from the first start to the last outcome", Math.round(seconds)],
    ["activities/s, as paced", (ledger.endedCount / seconds).toFixed(0)],
    ["p50 from start to outcome, of those that return at once, ms", quick.quantile(0.5)],
    ["p99 of that, ms", quick.quantile(0.99)],
    ["p50 of a start, ms", startLatency.quantile(0.5)],
    ["p99 of a start, ms", startLatency.quantile(0.99)],
    ["peak memory of the process that has the proxies and judges, MB", driver.peakMb.toFixed(0)],
    ["its processor time for each activity, us", ((driver.cpuMs * 1_000) / Math.max(1, ledger.endedCount)).toFixed(0)],
  ];
  return ["## What was done", "", table(["", "count"], [...known, ...verified, ...measured]), ""];
}

/** A row's values as a line of text, and the largest. */
function spark(values: readonly (number | undefined)[]): readonly Cell[] {
  return [sparkOf(values), values.reduce<number>((one, value) => Math.max(one, value ?? 0), 0).toFixed(0)];
}

function minutesOf({ timeline }: Progress, picture: string | undefined): readonly string[] {
  const { rows, mb } = timeline;
  return [
    "## Minute by minute",
    "",
    ...(picture === undefined
      ? []
      : [`![Rates, latencies, memory and file descriptors of each minute](${picture})`, ""]),
    table(
      ["from 0 up to the largest", "each minute", "largest"],
      [
        ["started/s", ...spark(rows.map(({ starts }) => starts / 60))],
        ["ended/s", ...spark(rows.map(({ ends }) => ends / 60))],
        ["p50, ms", ...spark(rows.map(({ quickP50 }) => quickP50))],
        ["p99, ms", ...spark(rows.map(({ quickP99 }) => quickP99))],
        ["faults begun", ...spark(rows.map(({ faults }) => faults))],
        ...Array.from(mb, ([part, values]): readonly Cell[] => [`MB of ${part}`, ...spark(values)]),
      ],
    ),
    "",
    table(
      ["minute", "started", "ended", "p50, ms", "p99, ms", "faults begun"],
      rows.map(({ minute, starts, ends, quickP50, quickP99, faults }) => [
        minute,
        starts,
        ends,
        quickP50,
        quickP99,
        faults,
      ]),
    ),
    "",
  ];
}

function faultsOf({ options, faults, missing, counts }: Progress): readonly string[] {
  if (options.soak) return [];
  return [
    "## Faults",
    "",
    table(["fault", "times"], sorted(countBy(faults.map(({ kind, target }) => `${kind} ${wordOf(target)}`)))),
    "",
    ...[...missing].map(([kind, why]) => `Left out: ${kind}, since ${why}.\n`),
    `In the proxies: ${list(sumOf(counts.values()))}.`,
    "",
  ];
}

function outcomesOf({ verification: found }: Findings): readonly string[] {
  return [
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
    found.disturbed.size === 0 ? "None." : table(["end", "attempts"], sorted(found.disturbed)),
    "",
    "## Attempts that ran twice",
    "",
    found.repeated.size === 0 ? "None." : table(["fault under way", "attempts"], sorted(found.repeated)),
    "",
  ];
}

function memoryOf({ growth, parts, ledger }: Progress): readonly string[] {
  const perActivity = (cpuMs: number): string => ((cpuMs * 1_000) / Math.max(1, ledger.endedCount)).toFixed(0);
  return [
    "## Memory, file descriptors and processor time",
    "",
    "Medians of the first and the last third of the run, of processes that have run for 8 s; all processes of a part together. Processor",
    "time is that of all lives of a part, but for what a life used between the last look (one each 2 s) and its end.",
    "",
    table(
      ["part", "processes", "MB, first", "MB, last", "peak", "descriptors, first", "last", "", "us for each activity"],
      growth.map((one) => [
        one.part,
        parts.find(({ name }) => name === one.part)?.lives.length ?? 0,
        one.firstMb.toFixed(0),
        one.lastMb.toFixed(0),
        one.peakMb.toFixed(0),
        one.firstDescriptors,
        one.lastDescriptors,
        one.isFlat ? "flat" : "**grows**",
        perActivity(one.cpuMs),
      ]),
    ),
    "",
  ];
}

function saidOf({ ledger, verification: found }: Findings): readonly string[] {
  return [
    "## What was said meanwhile",
    "",
    `Calls that the client made again: ${list(ledger.again)}.`,
    "",
    `Warnings of dispatchers: ${list(found.warnings)}.`,
    "",
  ];
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
