import { parseTimestamp } from "@durable-workflow/carrier/protocol";
import { textAt } from "@durable-workflow/engine-protocol";
import type { DeadlineReport } from "./inspection.js";

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
