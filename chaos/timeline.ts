import type { Panel } from "./chart.js";
import type { DoneFault } from "./injector.js";
import type { Ledger } from "./ledger.js";
import type { Sample } from "./sampler.js";

/** What was seen in a minute. */
export interface TimelineRow {
  readonly minute: number;
  readonly starts: number;
  readonly ends: number;
  readonly quickP50: number;
  readonly quickP99: number;
  readonly faults: number;
}

/** Everything by the minute. */
export interface Timeline {
  readonly rows: readonly TimelineRow[];
  /** Medians of each minute, by part. */
  readonly mb: ReadonlyMap<string, readonly (number | undefined)[]>;
  readonly descriptors: ReadonlyMap<string, readonly (number | undefined)[]>;
}

export function timelineOf(
  startedAt: number,
  ledger: Ledger,
  samples: ReadonlyMap<string, readonly Sample[]>,
  faults: readonly DoneFault[],
): Timeline {
  const minuteOf = (at: number): number => Math.max(0, Math.floor((at - startedAt) / 60_000));
  const begun: number[] = [];
  for (const { from } of faults) begun[minuteOf(from)] = (begun[minuteOf(from)] ?? 0) + 1;
  const rows = ledger.minutes.map(({ starts, ends, quick }, minute) => ({
    minute: minute + 1,
    starts,
    ends,
    quickP50: quick.quantile(0.5),
    quickP99: quick.quantile(0.99),
    faults: begun[minute] ?? 0,
  }));
  const medians = (read: (sample: Sample) => number): ReadonlyMap<string, readonly (number | undefined)[]> =>
    new Map(
      Array.from(samples, ([part, all]) => {
        const minutes: number[][] = rows.map(() => []);
        for (const sample of all) minutes[minuteOf(sample.at)]?.push(read(sample));
        return [part, minutes.map((seen) => seen.toSorted((one, other) => one - other)[seen.length >> 1])];
      }),
    );
  return { rows, mb: medians(({ mb }) => mb), descriptors: medians(({ descriptors }) => descriptors) };
}

/** What a page shows of it as a picture. */
export function panelsOf({ rows, mb, descriptors }: Timeline): readonly Panel[] {
  const lines = (all: Timeline["mb"]): Panel["lines"] => Array.from(all, ([name, values]) => ({ name, values }));
  return [
    {
      title: "Activities in each second",
      unit: "1/s",
      lines: [
        { name: "started", values: rows.map(({ starts }) => starts / 60) },
        { name: "ended", values: rows.map(({ ends }) => ends / 60) },
      ],
    },
    {
      title: "From the start to the outcome, activities that return at once",
      unit: "ms",
      lines: [
        { name: "p99", values: rows.map(({ quickP99 }) => quickP99) },
        { name: "p50", values: rows.map(({ quickP50 }) => quickP50) },
      ],
    },
    { title: "Memory (RSS) of each part", unit: "MB", lines: lines(mb) },
    { title: "Open file descriptors of each part", unit: "count", lines: lines(descriptors) },
  ];
}
