import type { JsonValue } from "@durable-workflow/carrier/payload";
import { relativeTime } from "../report/duration.js";
import { violationLine } from "../report/violation.js";
import { indented } from "../report/words.js";
import type { Palette } from "../shell/command.js";
import type { DeadlineReport, Inspection, PayloadReport, Prospect } from "./inspection.js";

/** An inspection, for people to read. */
export function renderInspection(found: Inspection, paint: Palette, name?: string): string {
  const { bold, green, red } = paint;
  const verdict = found.valid ? green("valid") : red("not valid");
  const heading = `${name === undefined ? "" : `${name}: `}${found.title}`;
  const sections = [
    `${bold(capitalised(heading))}: ${verdict}`,
    section(
      "Violations",
      found.violations.map((one) => red(violationLine(one))),
      paint,
    ),
    factLines(found.facts),
    section(
      "Deadlines",
      found.deadlines.filter(({ at }) => at !== null).map((one) => deadlineLine(one, paint)),
      paint,
    ),
    ...found.payloads.map((payload) => payloadLines(payload, paint)),
    section(
      "Notes",
      found.notes.map((note) => capitalised(note)),
      paint,
    ),
    section("What happens next", prospectLines(found.prospect), paint),
  ];
  const parts = found.parts.map((part) => renderInspection(part.inspection, paint, part.name));
  return [...sections.filter((text) => text !== ""), ...parts].join("\n\n");
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function section(title: string, lines: readonly string[], { bold }: Palette): string {
  return lines.length === 0 ? "" : [bold(title), ...lines.map((line) => `  ${line}`)].join("\n");
}

function factLines(facts: Inspection["facts"]): string {
  const width = Math.max(0, ...facts.map(({ name }) => name.length));
  return facts.map(({ name, value }) => `  ${name.padEnd(width)}  ${indented(shown(value), width + 4)}`).join("\n");
}

function shown(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function deadlineLine({ name, at, state, inMs }: DeadlineReport, { dim, red }: Palette): string {
  const when = inMs === null ? "no RFC 3339 timestamp" : relativeTime(inMs);
  const text = `${name} ${dim(at ?? "")} ${state === "ahead" ? when : red(state === "past" ? `past, ${when}` : when)}`;
  return text;
}

const LONGEST_VALUE = 4000;

function payloadLines({ path, codec, held, bytes, value, decoded }: PayloadReport, { bold, dim }: Palette): string {
  const size = bytes === null ? "" : `, ${bytes} bytes`;
  const heading = `${bold(path === "" ? "Payload" : path)} ${dim(`(${codec ?? "no codec"}, ${held}${size})`)}`;
  if (!decoded) return heading;
  const text = JSON.stringify(value, null, 2);
  const cut = text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}\n... (--json shows all of it)` : text;
  return `${heading}\n  ${indented(cut, 2)}`;
}

function prospectLines(prospect: Prospect | null): readonly string[] {
  return prospect === null ? [] : prospect.explanation;
}
