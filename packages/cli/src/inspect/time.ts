import { parseTimestamp } from "@durable-workflow/carrier/protocol";
import type { DeadlineReport } from "./inspection.js";
import { textAt } from "@durable-workflow/engine-protocol";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** `in 4 min 10 s`, `12 s ago`: the two largest units that matter. */
export function relativeTime(ms: number): string {
  const text = duration(Math.abs(ms));
  return ms >= 0 ? `in ${text}` : `${text} ago`;
}

/** `4 min 10 s`, `250 ms`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  let rest = Math.round(ms / 1000) * 1000;
  const first = UNITS.findIndex(([, size]) => rest >= size);
  const parts: string[] = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}

/** How an instant lies to now. */
export function deadlineReport(name: string, at: string | null, now: number): DeadlineReport {
  if (at === null) return { name, at, state: "none", inMs: null };
  const ms = parseTimestamp(at);
  if (ms === undefined) return { name, at, state: "unreadable", inMs: null };
  return { name, at, state: ms > now ? "ahead" : "past", inMs: ms - now };
}

const NAMES = ["schedule_to_start", "start_to_close", "schedule_to_close", "heartbeat"] as const;

/** The deadlines of a document, under the contract's own names. */
export function deadlineReports(deadlines: unknown, now: number): readonly DeadlineReport[] {
  return NAMES.map((name) => deadlineReport(`deadlines.${name}`, textAt(deadlines, name) ?? null, now));
}
