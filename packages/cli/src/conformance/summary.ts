import type { CaseReport } from "./run.js";
import { groupOf } from "./select.js";

export interface ConformanceSummary {
  readonly cases: number;
  readonly passed: number;
  readonly requiredFailed: number;
  readonly recommendedFailed: number;
  readonly accepted: number;
  /** Left out because the carrier was gone. */
  readonly notRun: number;
}

export function summarise(reports: readonly CaseReport[]): ConformanceSummary {
  const count = (matches: (report: CaseReport) => boolean): number => reports.filter(matches).length;
  return {
    cases: reports.length,
    passed: count(({ status }) => status === "passed"),
    requiredFailed: count(({ status, requirement }) => status === "failed" && requirement === "required"),
    recommendedFailed: count(({ status, requirement }) => status === "failed" && requirement === "recommended"),
    accepted: count(({ status }) => status === "accepted"),
    notRun: count(({ status }) => status === "not_run"),
  };
}

/**
 * Whether a carrier conforms. Recommended cases count with `strict` only; accepted differences never do. Where cases were
 * left out, nobody knows.
 */
export function conforms({ requiredFailed, recommendedFailed, notRun }: ConformanceSummary, strict: boolean): boolean {
  return requiredFailed === 0 && notRun === 0 && (!strict || recommendedFailed === 0);
}

/** Reports by the first part of their ids, in the order in which those come up. */
export function byGroup(reports: readonly CaseReport[]): ReadonlyMap<string, readonly CaseReport[]> {
  const groups = new Map<string, CaseReport[]>();
  for (const report of reports) {
    const group = groups.get(groupOf(report.id));
    if (group === undefined) groups.set(groupOf(report.id), [report]);
    else group.push(report);
  }
  return groups;
}
