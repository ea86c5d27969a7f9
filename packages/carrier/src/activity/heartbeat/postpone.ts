import { formatTimestamp } from "../../protocol/format-timestamp.js";
import { type DeadlineName, isInstant, type RunDeadlines } from "../run/deadlines.js";

/** Puts a deadline that is set off to a later instant by the carrier's clock. An earlier one changes nothing. */
export function postpone(deadlines: RunDeadlines, name: DeadlineName, at: number): void {
  const { all, skewMs = 0 } = deadlines;
  const index = all.findIndex((deadline) => deadline.name === name);
  const deadline = all[index];
  if (deadline === undefined || at <= deadline.at || !isInstant(at)) return;
  deadlines.moves++;
  all[index] = { ...deadline, at, expiresAt: formatTimestamp(at - skewMs) };
}
