import type { Series } from "../../api/index.js";
import { readInstant } from "../text/instants.js";

/** So many steps are drawn: each is seen, and can be pointed at. */
const STEPS = 60;
/** Windows for an engine that began lately. */
const SHORT_MS = [120_000, 600_000];

/** The part of a series that is drawn, in steps of a width that can be seen. */
export interface Steps {
  readonly from: number;
  readonly stepMs: number;
  readonly knownSince: number;
  /** Of counts: those of a step together. */
  readonly sums: (values: readonly number[]) => readonly number[];
  /** Of times: the longest in a step. */
  readonly most: (values: readonly (number | null)[]) => readonly (number | null)[];
}

/** The last minutes of an engine that began lately, and all that there is of others. */
export function stepsOf(series: Series, now: number): Steps {
  const stepMs = series.stepSeconds * 1000;
  const from = readInstant(series.from) ?? now;
  const knownSince = readInstant(series.knownSince) ?? from;
  const all = series.started.length;
  const window = SHORT_MS.find((ms) => now - knownSince < ms);
  const wanted = window === undefined ? all : Math.min(all, Math.ceil(window / stepMs));
  const width = Math.max(1, Math.ceil(wanted / STEPS));
  const first = all - Math.floor(wanted / width) * width;
  const grouped = <Value, Together>(
    values: readonly Value[],
    together: (group: readonly Value[]) => Together,
  ): Together[] => {
    const groups: Together[] = [];
    for (let at = first; at < values.length; at += width) groups.push(together(values.slice(at, at + width)));
    return groups;
  };
  return {
    from: from + first * stepMs,
    stepMs: stepMs * width,
    knownSince,
    sums: (values) => grouped(values, (group) => group.reduce((sum, value) => sum + value, 0)),
    most: (values) =>
      grouped(values, (group) => {
        const known = group.filter((value) => value !== null);
        return known.length === 0 ? null : Math.max(...known);
      }),
  };
}
