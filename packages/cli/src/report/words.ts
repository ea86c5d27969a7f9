import type { JsonValue } from "@durable-workflow/carrier/payload";
import type { FailureStory, Progress } from "../engine/story.js";
import { referenceIn } from "../engine/story-payloads.js";
import type { CliIo, Palette } from "../shell/command.js";
import { sizeText } from "./size.js";

const BAR_WIDTH = 24;

/** How far an activity is, as `[######------] 4/12 months  April`. */
export function progressText({ current, total, unit, message }: Progress): string {
  const share =
    current === null || total === null || total <= 0 ? undefined : Math.min(1, Math.max(0, current / total));
  const filled = share === undefined ? 0 : Math.round(share * BAR_WIDTH);
  const bar = share === undefined ? "" : `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] `;
  const count = total === null ? `${current ?? ""}` : `${current ?? 0}/${total}`;
  return [`${bar}${count}${unit === null ? "" : ` ${unit}`}`.trim(), message ?? ""]
    .filter((part) => part !== "")
    .join("  ");
}

export function failureText({ type, message }: FailureStory): string {
  return type === null ? message : `${type}: ${message}`;
}

/** How many lines of a stack trace are shown to people; JSON has all of them. */
const STACK_LINES = 30;

/** A stack trace without the lines that say the failure's message again; null for none. */
export function stackText({ message, stackTrace }: FailureStory): string | null {
  if (stackTrace === null) return null;
  const [head = "", ...rest] = stackTrace.split("\n");
  const shown = head.endsWith(message.split("\n")[0] ?? "") && message !== "" ? rest : [head, ...rest];
  const lines = shown.map((line) => line.trimEnd()).filter((line) => line !== "");
  if (lines.length === 0) return null;
  const more = lines.length > STACK_LINES ? [`... and ${lines.length - STACK_LINES} lines more: --json has all`] : [];
  return [...lines.slice(0, STACK_LINES).map((line) => line.replace(/^ {4}at /, "at ")), ...more].join("\n");
}

const STYLES: Readonly<Record<string, keyof Palette>> = {
  completed: "green",
  succeeded: "green",
  running: "cyan",
  cancelled: "yellow",
  terminated: "yellow",
};

/** The style of a status; what is not known is taken for trouble. */
export function statusStyle(status: string): keyof Palette {
  return STYLES[status] ?? "red";
}

/** Text of several lines, in one: what others wrote must not look like a line of ours. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}

/** Text of several lines, each but the first one moved to the right. */
export function indented(text: string, by: number): string {
  return text.replaceAll("\n", `\n${" ".repeat(by)}`);
}

/** A value in one line; of one that the engine keeps apart, what is known of it. */
export function compact(value: JsonValue): string {
  const reference = referenceIn(value);
  if (reference === undefined) return JSON.stringify(value);
  const { size_bytes: size, codec, sha256, reference_id: id } = reference;
  return `${sizeText(size)} of ${codec}, kept by the engine as ${id}, SHA-256 ${sha256}`;
}

/** The time of day where the command runs, to the second. */
export function clockTime(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** Writes one line of many. */
export function sayOften(io: Pick<CliIo, "log">, line: string): void {
  io.log(`${line}\n`);
}

/** Writes one line. */
export function say(io: Pick<CliIo, "out">, line = ""): void {
  io.out(`${line}\n`);
}

/** Writes one JSON document as a line. */
export function sayJson(io: Pick<CliIo, "out">, document: unknown): void {
  io.out(`${JSON.stringify(document)}\n`);
}
