import type { Palette } from "../shell/command.js";
import type { CaseReport } from "./run.js";
import { byGroup, type ConformanceSummary, conforms } from "./summary.js";

export interface TextReportOptions {
  readonly paint: Palette;
  readonly strict: boolean;
  /** Whether cases that passed are listed too. */
  readonly verbose: boolean;
  /** The case after which the carrier was gone. */
  readonly goneAfter: string | null;
}

/** For people: how each group did, then what differs, each finding once, then whether the carrier conforms. */
export function textReport(
  reports: readonly CaseReport[],
  summary: ConformanceSummary,
  { paint, strict, verbose, goneAfter }: TextReportOptions,
): string {
  const groups = byGroup(reports);
  const width = Math.max(...[...groups.keys()].map((name) => name.length));
  const lines = [...groups].flatMap(([name, members]) => {
    const passed = members.filter(({ status }) => status === "passed").length;
    const left = members.filter(({ status }) => status === "not_run").length;
    const line = `${mark(members, paint)} ${name.padEnd(width)}  ${passed}/${members.length}${left > 0 ? `, ${left} not run` : ""}`;
    return verbose ? [line].concat(members.map((report) => `    ${mark([report], paint)} ${report.id}`)) : [line];
  });
  const findings = byFinding(reports).map((members) => describe(members, paint));
  const gone =
    goneAfter === null
      ? []
      : ["", paint.red(`The carrier was gone after ${goneAfter}${summary.notRun > 0 ? "; the rest is not run" : ""}.`)];
  return `${[...lines, ...findings, ...gone, "", verdict(summary, strict, paint)].join("\n")}\n`;
}

/** The cases that differ; those that differ from the same sentence in the same way are together. */
function byFinding(reports: readonly CaseReport[]): readonly (readonly [CaseReport, ...CaseReport[]])[] {
  const findings = new Map<string, [CaseReport, ...CaseReport[]]>();
  for (const report of reports) {
    const { status, requirement, contract, differences, reason } = report;
    if (status !== "failed" && status !== "accepted") continue;
    const key = JSON.stringify([status, requirement, contract, differences, reason]);
    const members = findings.get(key);
    if (members === undefined) findings.set(key, [report]);
    else members.push(report);
  }
  return [...findings.values()];
}

function mark(reports: readonly CaseReport[], { green, yellow, red }: Palette): string {
  const failed = reports.filter(({ status }) => status === "failed");
  if (failed.some(({ requirement }) => requirement === "required")) return red("✗");
  return reports.some(({ status }) => status !== "passed") ? yellow("!") : green("✓");
}

function describe(members: readonly [CaseReport, ...CaseReport[]], paint: Palette): string {
  const { bold, dim, red, yellow } = paint;
  const [{ requirement, contract, status, differences, reason }] = members;
  const colour = status === "failed" && requirement === "required" ? red : yellow;
  const label = status === "accepted" ? "accepted" : requirement;
  const lines = differences.flatMap(({ what, expected, received }) => [
    `    ${what}`,
    `      expected ${inLine(expected)}`,
    `      got      ${inLine(received)}`,
  ]);
  const why = reason === null ? [] : [`    accepted: ${reason}`];
  const ids = members.map(({ id }) => `${bold(id)} ${colour(`(${label})`)}`);
  return ["", ...ids, dim(`    ${contract}`), ...why, ...lines].join("\n");
}

/** What a carrier wrote must neither steer the terminal nor break the lines. */
function inLine(text: string): string {
  return text.replaceAll("\n", "\n               ");
}

function verdict(summary: ConformanceSummary, strict: boolean, { green, red }: Palette): string {
  const { cases, passed, requiredFailed, recommendedFailed, accepted, notRun } = summary;
  const parts = [
    `${passed} of ${cases} cases passed`,
    ...(requiredFailed > 0 ? [`${requiredFailed} required failed`] : []),
    ...(recommendedFailed > 0 ? [`${recommendedFailed} recommended failed`] : []),
    ...(accepted > 0 ? [`${accepted} accepted`] : []),
    ...(notRun > 0 ? [`${notRun} not run`] : []),
  ].join(", ");
  return conforms(summary, strict)
    ? green(`The carrier conforms: ${parts}.`)
    : red(`The carrier does not conform: ${parts}.`);
}
