import type { Explanation } from "./python-findings.js";

/** What `dw-carrier conformance --json` says, as far as the report tells of it. */
export interface ConformanceOutput {
  readonly summary: Readonly<Record<string, number>>;
  readonly goneAfter: string | null;
  readonly cases: readonly ConformanceEntry[];
}

export interface ConformanceEntry {
  readonly id: string;
  readonly requirement: string;
  readonly contract: string;
  readonly status: string;
  readonly differences: readonly { readonly what: string; readonly expected: string; readonly received: string }[];
}

/** The report that is kept in `docs/understand/conformance`: the same text for the same verdicts, whenever it is made. */
export function conformanceReport(peer: string, output: ConformanceOutput, findings: readonly Explanation[]): string {
  const { cases, summary, goneAfter } = output;
  const failing = cases.filter(({ status }) => status !== "passed");
  const told = findings.map(({ cases: ids, why }) => {
    const members = failing.filter(({ id }) => ids.includes(id));
    const sentences = [...new Set(members.map(({ contract }) => `> ${contract}`))];
    return `### ${members.map(({ id, requirement }) => `\`${id}\` (${requirement})`).join(", ")}

${sentences.join("\n>\n")}

${why}

${[...new Set(members.flatMap(differences))].join("\n")}
`;
  });
  return `# Conformance of the carrier of ${peer}

Made by the interop suite from \`dw-carrier conformance\`, and compared with each run of it; \`INTEROP_UPDATE=1 npm run
test:interop\` writes it anew. A required case checks what the contract says; a recommended one checks what it leaves open, or
an addition to it.

${table(cases)}

${summary["passed"]} of ${cases.length} cases passed, ${summary["requiredFailed"]} required and ${summary["recommendedFailed"]} recommended failed, ${summary["notRun"]} were not run.${goneAfter === null ? "" : ` The process was gone after \`${goneAfter}\`.`}

## What it does not do

The sentence that is quoted is the contract's; what follows is what the SDK does.

${told.join("\n")}`;
}

function table(cases: readonly ConformanceEntry[]): string {
  const groups = [...new Set(cases.map(({ id }) => groupOf(id)))].map((group) => {
    const members = cases.filter(({ id }) => groupOf(id) === group);
    const count = (status: string, requirement?: string): number =>
      members.filter((one) => one.status === status && (requirement ?? one.requirement) === one.requirement).length;
    return [group, members.length, count("passed"), count("failed", "required"), count("failed", "recommended")];
  });
  const rows = [["group", "cases", "passed", "required failed", "recommended failed"], ...groups];
  const cells = rows.map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}

function groupOf(id: string): string {
  return id.split("/", 1)[0] ?? id;
}

/** Times differ from run to run; ids of the machine's ports do not occur. */
function differences({ differences: all }: ConformanceEntry): readonly string[] {
  return all.map(({ what, expected, received }) => {
    return `- \`${what}\`: expected ${quoted(expected)}, got ${quoted(received)}`;
  });
}

function quoted(text: string): string {
  const steady = text.replaceAll(/\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?[Zz]/g, "TIME");
  return `\`${steady.replaceAll("`", "'").replaceAll(/\s+/g, " ")}\``;
}
