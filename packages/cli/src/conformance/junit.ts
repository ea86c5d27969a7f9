import { printable } from "../shell/terminal-text.js";
import type { CaseReport } from "./run.js";
import { byGroup } from "./summary.js";

export interface JunitOptions {
  readonly url: string;
  readonly strict: boolean;
  /** The case after which the carrier was gone. */
  readonly goneAfter: string | null;
}

/**
 * The reports as JUnit XML, one suite for each group of cases. A failed recommended case is skipped there, with what
 * differs, unless `strict`: it does not fail the build that reads the file. So is a case that was not run.
 */
export function junitReport(reports: readonly CaseReport[], { url, strict, goneAfter }: JunitOptions): string {
  const suites = [...byGroup(reports)].map(([group, members]) => suite(group, members, { url, strict, goneAfter }));
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="carrier conformance"${counts(reports, strict)}>
${suites.join("\n")}
</testsuites>
`;
}

function suite(name: string, reports: readonly CaseReport[], options: JunitOptions): string {
  const cases = reports.map((report) => testcase(name, report, options)).join("\n");
  return `  <testsuite name="${escape(name)}" hostname="${escape(options.url)}"${counts(reports, options.strict)}>
${cases}
  </testsuite>`;
}

function counts(reports: readonly CaseReport[], strict: boolean): string {
  const failures = reports.filter((report) => outcomeOf(report, strict) === "failure").length;
  const skipped = reports.filter((report) => outcomeOf(report, strict) === "skipped").length;
  const time = reports.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return ` tests="${reports.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds(time)}"`;
}

function outcomeOf({ status, requirement }: CaseReport, strict: boolean): "passed" | "failure" | "skipped" {
  if (status === "passed") return "passed";
  return status === "failed" && (strict || requirement === "required") ? "failure" : "skipped";
}

function testcase(group: string, report: CaseReport, { strict, goneAfter }: JunitOptions): string {
  const { id, requirement, contract, differences, durationMs } = report;
  const open = `    <testcase classname="conformance.${escape(group)}" name="${escape(id)}" time="${seconds(durationMs)}">
      <properties>
        <property name="requirement" value="${requirement}"/>
        <property name="contract" value="${escape(contract)}"/>
      </properties>`;
  const text = differences.map(({ what, expected, received }) => `${what}: expected ${expected}, got ${received}`);
  const [first = ""] = text;
  const outcome = outcomeOf(report, strict);
  const body =
    outcome === "failure"
      ? `\n      <failure message="${escape(first)}" type="${requirement}">${escape(`${contract}\n${text.join("\n")}`)}</failure>`
      : outcome === "skipped"
        ? `\n      <skipped message="${escape(whySkipped(report, first, goneAfter))}"/>`
        : "";
  return `${open}${body}\n    </testcase>`;
}

function whySkipped({ status, reason }: CaseReport, difference: string, goneAfter: string | null): string {
  if (status === "not_run") return `not run: the carrier was gone after ${goneAfter ?? "an earlier case"}`;
  return reason === null ? `recommended: ${difference}` : `accepted: ${reason}`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
};

/**
 * XML 1.0 has no form at all for most control characters, lone surrogates and two non-characters; the rest of what steers
 * terminals is harmless too, for whoever prints the file.
 */
function escape(text: string): string {
  return printable(text)
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"'\t\n]/g, (character) => ENTITIES[character] ?? "");
}
