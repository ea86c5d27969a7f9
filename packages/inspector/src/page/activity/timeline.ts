import type { ActivityDetail, Attempt } from "../../api/index.js";
import { readInstant } from "../text/instants.js";

/** A stretch of time of one attempt, in milliseconds. */
export interface Bar {
  /** `wait`: for a worker. `run`: a worker holds the lease. `backoff`: the pause after it. `ahead`: what is still to come of the pause. */
  readonly kind: "wait" | "run" | "backoff" | "ahead";
  readonly from: number;
  readonly to: number;
}

export interface Lane {
  /** Of the attempt; 0 for one that no worker has begun. */
  readonly number: number;
  readonly attempt: Attempt | undefined;
  readonly bars: readonly Bar[];
  readonly beats: readonly number[];
}

/** A stretch in which nothing ran, drawn shorter than it was, and labelled. */
export interface Fold {
  readonly from: number;
  readonly to: number;
}

export interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly Lane[];
  readonly folds: readonly Fold[];
  /** Instants worth a label on the axis, in order. */
  readonly marks: readonly number[];
}

/** What lies on a straight piece of the scale: shares of the whole width. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly width: number;
}

/** A pause is folded when it is so many times longer than all that ran. */
const FOLD_FACTOR = 3;
const SHORTEST_FOLD_MS = 4000;
/** Of the width that the rest takes. */
const FOLD_SHARE = 0.09;

/** Lays out the attempts of an activity as they stand at an instant. */
export function timeline({ row, attempts }: Pick<ActivityDetail, "row" | "attempts">, now: number): Timeline {
  const started = readInstant(row.startedAt) ?? now;
  const closed = readInstant(row.closedAt);
  const end = closed ?? Math.max(now, started);
  const lanes: Lane[] = attempts.map((attempt, index) =>
    laneOf(attempt, attempts[index + 1], { started, end, isFirst: index === 0 }),
  );
  const last = attempts.at(-1);
  const next = row.next?.what === "retry" ? readInstant(row.next.at) : undefined;
  if (closed === undefined && (last === undefined || readInstant(last.closedAt) !== undefined)) {
    lanes.push(waitingLane(last, { started, end, next }));
  }
  const all = lanes.flatMap(({ bars }) => bars);
  const from = Math.min(started, ...all.map((bar) => bar.from));
  const to = Math.max(end, from + 1, ...all.map((bar) => bar.to));
  const runs = all.filter(({ kind }) => kind === "run");
  return { from, to, lanes, folds: foldsOf(runs, from, to), marks: marksOf(all, from, to) };
}

function laneOf(
  attempt: Attempt,
  after: Attempt | undefined,
  { started, end, isFirst }: { started: number; end: number; isFirst: boolean },
): Lane {
  const bars: Bar[] = [];
  const leased = readInstant(attempt.startedAt);
  const closed = readInstant(attempt.closedAt);
  const available = readInstant(attempt.availableAt) ?? (isFirst ? started : leased);
  if (available !== undefined) {
    const until = leased ?? closed ?? end;
    if (until > available) bars.push({ kind: "wait", from: available, to: until });
  }
  if (leased !== undefined) bars.push({ kind: "run", from: leased, to: Math.max(leased, closed ?? end) });
  const nextAvailable = readInstant(after?.availableAt);
  if (closed !== undefined && nextAvailable !== undefined && nextAvailable > closed) {
    bars.push({ kind: "backoff", from: closed, to: nextAvailable });
  }
  const beats = attempt.heartbeats.map(({ at }) => readInstant(at)).filter((at) => at !== undefined);
  return { number: attempt.number, attempt, bars, beats };
}

/** What comes next: the pause before the next try, or the wait for a worker. */
function waitingLane(
  last: Attempt | undefined,
  { started, end, next }: { started: number; end: number; next: number | undefined },
): Lane {
  const since = readInstant(last?.closedAt) ?? started;
  const bars: Bar[] = [];
  if (next !== undefined) {
    if (Math.min(next, end) > since) bars.push({ kind: "backoff", from: since, to: Math.min(next, end) });
    if (next > end) bars.push({ kind: "ahead", from: end, to: next });
  }
  const available = next ?? since;
  if (end > available) bars.push({ kind: "wait", from: available, to: end });
  return { number: 0, attempt: undefined, bars, beats: [] };
}

function foldsOf(runs: readonly Bar[], from: number, to: number): readonly Fold[] {
  const busy = runs.toSorted((a, b) => a.from - b.from);
  const ran = busy.reduce((sum, bar) => sum + (bar.to - bar.from), 0);
  if (busy.length === 0) return [];
  const gaps: Fold[] = [];
  let at = from;
  for (const bar of busy) {
    if (bar.from > at) gaps.push({ from: at, to: bar.from });
    at = Math.max(at, bar.to);
  }
  if (to > at) gaps.push({ from: at, to });
  const longest = Math.max(SHORTEST_FOLD_MS, ran * FOLD_FACTOR);
  return gaps.filter((gap) => gap.to - gap.from > longest);
}

function marksOf(bars: readonly Bar[], from: number, to: number): readonly number[] {
  const edges = bars.flatMap((bar) => (bar.kind === "run" ? [bar.from, bar.to] : []));
  return [...new Set([from, ...edges, to])].toSorted((a, b) => a - b);
}

/** From instants to shares of the width, 0 to 1; straight but for the folds. */
export class Scale {
  private readonly pieces: readonly Piece[];

  constructor({ from, to }: Pick<Timeline, "from" | "to">, folds: readonly Fold[]) {
    const open = to - from - folds.reduce((sum, fold) => sum + (fold.to - fold.from), 0);
    const folded = Math.max(1, open) * FOLD_SHARE;
    const total = Math.max(1, open) + folded * folds.length;
    const pieces: Piece[] = [];
    let at = from;
    let start = 0;
    const add = (end: number, weight: number): void => {
      pieces.push({ from: at, to: end, start, width: weight / total });
      at = end;
      start += weight / total;
    };
    for (const fold of folds) {
      if (fold.from > at) add(fold.from, fold.from - at);
      add(fold.to, folded);
    }
    if (to > at) add(to, to - at);
    this.pieces = pieces;
  }

  at(instant: number): number {
    for (const { from, to, start, width } of this.pieces) {
      if (instant > to) continue;
      if (instant <= from || to === from) return start;
      return start + (width * (instant - from)) / (to - from);
    }
    return 1;
  }
}

/**
 * Of the marks those that leave each other room, so many shares of the width. The first and the last always stay, and take more:
 * their labels stand inside the edges.
 */
export function roomyMarks(marks: readonly number[], scale: Scale, room: number): readonly number[] {
  const [first, ...others] = marks;
  const last = others.pop();
  if (first === undefined || last === undefined) return marks;
  const kept = [first];
  let edge = scale.at(first) + room / 2;
  for (const mark of others) {
    const place = scale.at(mark);
    if (place - edge < room || scale.at(last) - place < room * 1.5) continue;
    kept.push(mark);
    edge = place;
  }
  return scale.at(last) - scale.at(first) < room ? [first] : [...kept, last];
}
