import type { ActivityRow } from "../../api/index.js";
import { duration, ticking } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";

function failureText({ failure }: ActivityRow): string {
  if (failure === null) return "";
  return failure.type === null ? failure.message : `${failure.type}: ${failure.message}`;
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" · ");
}

/** How old an open activity is, and how long a closed one took. */
export function ageOf(row: ActivityRow, now: number): string {
  const started = readInstant(row.startedAt);
  if (started === undefined) return "–";
  const closed = readInstant(row.closedAt);
  return closed === undefined ? ticking(now - started) : duration(closed - started);
}

/** What happens with a row now, on one line: what it waits for, who holds it, what it failed with. */
export function nowText(row: ActivityRow, now: number): string {
  const next = readInstant(row.next?.at);
  const left = next === undefined ? undefined : next - now;
  switch (row.status) {
    case "queued":
      return "waits for a worker";
    case "delayed":
      return left === undefined ? "waits for its time" : `starts in ${ticking(left)}`;
    case "running": {
      const beat = readInstant(row.lastHeartbeatAt);
      return joined(
        row.worker === null ? undefined : `on ${row.worker}`,
        beat === undefined ? undefined : `beat ${ticking(now - beat)} ago`,
        left === undefined
          ? undefined
          : left >= 0
            ? `${WHAT[row.next?.what ?? "deadline"]} in ${ticking(left)}`
            : undefined,
        failureText(row) === "" ? undefined : `before: ${failureText(row)}`,
      );
    }
    case "retrying":
      return joined(
        left === undefined || row.next?.what !== "retry"
          ? undefined
          : left > 0
            ? `next try in ${ticking(left)}`
            : "waits for a worker",
        failureText(row),
      );
    case "stalled":
      return joined(
        left === undefined ? "overdue" : `${WHAT[row.next?.what ?? "deadline"]} overdue ${ticking(-left)}`,
        row.worker === null ? undefined : `${row.worker} is silent`,
      );
    case "succeeded":
      return "";
    case "failed":
    case "cancelled":
      return failureText(row);
  }
}

const WHAT: Readonly<Record<NonNullable<ActivityRow["next"]>["what"], string>> = {
  retry: "next try",
  lease_ends: "lease ends",
  heartbeat_due: "heartbeat due",
  deadline: "deadline",
};
