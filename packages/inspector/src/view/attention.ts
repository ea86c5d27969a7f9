import type { ActivityRow, Attention, Queue, Series, StatusWord } from "../api/index.js";
import { groupBy } from "../group-by.js";
import { secondsBetween, shortDuration } from "../time.js";

const MOST = 50;
/** Steps of the series that count as now: five minutes. */
const LATELY_SECONDS = 300;
const MANY_FAILURES = 5;

/** What an operator would want to know first. */
export function attentionOf(told: {
  readonly queues: readonly Queue[];
  /** Some of those that wait for another attempt. */
  readonly retrying: readonly ActivityRow[];
  readonly stalled: readonly { readonly queue: string; readonly count: number }[];
  readonly series: Series | null;
  readonly asOf: string;
}): readonly Attention[] {
  return [
    ...told.queues.flatMap((queue) => withoutWorker(queue, told.asOf)),
    ...told.stalled.map(({ queue, count }) => stalledIn(queue, count)),
    ...sameFailures(told.retrying),
    ...failing(told.series),
  ].slice(0, MOST);
}

function filter(queue: string | null, type: string | null, status: readonly StatusWord[]): Attention["filter"] {
  return { queue, type, status };
}

function withoutWorker({ queue, queued, oldestSince, verdict }: Queue, asOf: string): readonly Attention[] {
  // A worker that is just being started again is no trouble.
  if (verdict.state !== "no_worker" || (secondsBetween(oldestSince, asOf) ?? 0) < 2) return [];
  return [
    {
      kind: "no_worker",
      text: `Queue ${queue}: ${verdict.text}`,
      since: oldestSince,
      count: queued,
      filter: filter(queue, null, ["queued", "retrying"]),
      failure: null,
    },
  ];
}

function stalledIn(queue: string, count: number): Attention {
  return {
    kind: "stalled",
    text: `Queue ${queue}: ${count} stalled; their lease or heartbeat is overdue.`,
    since: null,
    count,
    filter: filter(queue, null, ["stalled"]),
    failure: null,
  };
}

function sameFailures(retrying: readonly ActivityRow[]): readonly Attention[] {
  const alike = groupBy(
    retrying.filter(({ failure }) => failure !== null),
    ({ type, failure }) => JSON.stringify([type, failure?.type, failure?.message]),
  );
  return [...alike.values()]
    .filter((rows) => rows.length > 1)
    .toSorted((one, other) => other.length - one.length)
    .slice(0, 5)
    .flatMap((rows) => {
      const [first] = rows;
      if (first === undefined) return [];
      const since = rows.map(({ startedAt }) => startedAt).toSorted()[0] ?? null;
      return [
        {
          kind: "same_failure" as const,
          text: `Type ${first.type}: ${rows.length} are retrying after the same failure.`,
          since,
          count: rows.length,
          filter: filter(null, first.type, ["retrying"]),
          failure: first.failure,
        },
      ];
    });
}

function failing(series: Series | null): readonly Attention[] {
  if (series === null) return [];
  const steps = Math.ceil(LATELY_SECONDS / series.stepSeconds);
  const sum = (list: readonly number[]): number => list.slice(-steps).reduce((one, other) => one + other, 0);
  const [failed, succeeded] = [sum(series.failed), sum(series.succeeded)];
  if (failed < MANY_FAILURES || failed <= succeeded) return [];
  return [
    {
      kind: "failing",
      text: `Within the last ${shortDuration(LATELY_SECONDS)} more activities failed (${failed}) than succeeded (${succeeded}).`,
      since: null,
      count: failed,
      filter: filter(null, null, ["failed"]),
      failure: null,
    },
  ];
}
