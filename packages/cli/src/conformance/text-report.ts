import type { Palette } from "../command.js";
import type { CaseReport } from "./run.js";
import { byGroup, type ConformanceSummary, conforms } from "./summary.js";

export interface TextReportOptions {
  readonly paint: Palette;
  readonly strict: boolean;
  /** Whether cases that passed are listed too. */
  readonly verbose: boolean;
}

/** For people: how each group did, then what differs, then whether the carrier conforms. */
export function textReport(
  reports: readonly CaseReport[],
  summary: ConformanceSummary,
  { paint, strict, verbose }: TextReportOptions,
): string {
  const groups = byGroup(reports);
  const width = Math.max(...[...groups.keys()].map((name) => name.length));
  const lines = [...groups].flatMap(([name, members]) => {
    const passed = members.filter(({ status }) => status === "passed").length;
    const line = `${mark(members, paint)} ${name.padEnd(width)}  ${passed}/${members.length}`;
    return verbose ? [line].concat(members.map((report) => `    ${mark([report], paint)} ${report.id}`)) : [line];
  });
  const differing = reports.filter(({ status }) => status !== "passed");
  return `${[...lines, ...differing.map((report) => describe(report, paint)), "", verdict(summary, strict, paint)].join("\n")}\n`;
}

function mark(reports: readonly CaseReport[], { green, yellow, red }: Palette): string {
  const failed = reports.filter(({ status }) => status === "failed");
  if (failed.some(({ requirement }) => requirement === "required")) return red("✗");
  return failed.length > 0 || reports.some(({ status }) => status === "accepted") ? yellow("!") : green("✓");
}

function describe({ id, requirement, contract, status, differences, reason }: CaseReport, paint: Palette): string {
  const { bold, dim, red, yellow } = paint;
  const colour = status === "failed" && requirement === "required" ? red : yellow;
  const label = status === "accepted" ? "accepted" : requirement;
  const lines = differences.flatMap(({ what, expected, received }) => [
    `    ${what}`,
    `      expected ${inLine(expected)}`,
    `      got      ${inLine(received)}`,
  ]);
  const why = reason === null ? [] : [`    accepted: ${reason}`];
  return ["", `${bold(id)} ${colour(`(${label})`)}`, dim(`    ${contract}`), ...why, ...lines].join("\n");
}

/** What a carrier wrote must neither steer the terminal nor break the lines. */
function inLine(text: string): string {
  return text.replaceAll("\n", "\n               ");
}

function verdict(summary: ConformanceSummary, strict: boolean, { green, red }: Palette): string {
  const { cases, passed, requiredFailed, recommendedFailed, accepted } = summary;
  const parts = [
    `${passed} of ${cases} cases passed`,
    ...(requiredFailed > 0 ? [`${requiredFailed} required failed`] : []),
    ...(recommendedFailed > 0 ? [`${recommendedFailed} recommended failed`] : []),
    ...(accepted > 0 ? [`${accepted} accepted`] : []),
  ].join(", ");
  return conforms(summary, strict)
    ? green(`The carrier conforms: ${parts}.`)
    : red(`The carrier does not conform: ${parts}.`);
}
