import { formatTimestamp } from "../../protocol/format-timestamp.js";
import type { ActivityTaskInput } from "../../protocol/task-input.js";
import { parseTimestamp } from "../../protocol/timestamps.js";

/** As the contract names them; `platform_limit` is ours. */
export type DeadlineName =
  | "lease.expires_at"
  | "deadlines.schedule_to_start"
  | "deadlines.start_to_close"
  | "deadlines.schedule_to_close"
  | "deadlines.heartbeat"
  | "platform_limit";

export interface Deadline {
  readonly name: DeadlineName;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The instant as the envelope has it, or in the same form. */
  readonly expiresAt: string;
}

/** A deadline that is no timestamp: the task cannot be judged, and is not run. */
export interface UnreadableDeadline {
  /** Its name. */
  readonly unreadable: string;
}

/** When a deadline counts; in that order, so that what counts throughout counts on receipt. */
type Counts = typeof NEVER | typeof ON_RECEIPT | typeof THROUGHOUT;
const NEVER = 0;
const ON_RECEIPT = 1;
const THROUGHOUT = 2;

export interface TaskDeadline extends Deadline {
  readonly counts: Counts;
}

/**
 * A task's deadlines, by the carrier's own clock. Once the handler has started, `schedule_to_start` does not count. The
 * lease and `heartbeat` never do where the caller renews them (`lease.renewed_by`); the others count throughout.
 */
export class RunDeadlines {
  /** How far the carrier's clock is ahead of the engine's, in milliseconds; undefined where nobody said when he sent the task. */
  readonly skewMs: number | undefined;
  readonly all: TaskDeadline[];
  /** How often one was put off. */
  moves = 0;

  constructor(all: TaskDeadline[], skewMs: number | undefined) {
    this.all = all;
    this.skewMs = skewMs;
  }

  /**
   * The first to pass, of those at the same instant the first that is listed; undefined for none.
   *
   * @param whileRunning of those that count once the handler has started; else of those that count on receipt
   */
  first(whileRunning: boolean): Deadline | undefined {
    let first: Deadline | undefined;
    const least = whileRunning ? THROUGHOUT : ON_RECEIPT;
    for (const deadline of this.all) {
      if (deadline.counts >= least && (first === undefined || deadline.at < first.at)) first = deadline;
    }
    return first;
  }

  /** When a deadline passes, in milliseconds since the epoch; undefined where it was not set. */
  at(name: DeadlineName): number | undefined {
    return this.all.find((deadline) => deadline.name === name)?.at;
  }
}

/**
 * Reads a task's deadlines. Where the envelope says when it was sent, they are judged by that: the difference between the
 * carrier's clock and the engine's does not count (nor does the time on the way).
 *
 * @param now when the task was received, in milliseconds since the epoch by the carrier's clock
 * @param platformLimit when the platform ends this process, in milliseconds since the epoch
 */
export function readRunDeadlines(
  { lease, deadlines }: ActivityTaskInput,
  now: number,
  platformLimit: number | undefined,
): RunDeadlines | UnreadableDeadline {
  const renewable = lease.renewedBy === null ? THROUGHOUT : NEVER;
  const sentAt = lease.sentAt === null ? undefined : parseTimestamp(lease.sentAt);
  const skewMs = sentAt === undefined ? undefined : now - sentAt;
  const all: TaskDeadline[] = [];
  for (const [name, expiresAt, counts] of [
    ["lease.expires_at", lease.expiresAt, renewable],
    ["deadlines.schedule_to_start", deadlines.scheduleToStart, ON_RECEIPT],
    ["deadlines.start_to_close", deadlines.startToClose, THROUGHOUT],
    ["deadlines.schedule_to_close", deadlines.scheduleToClose, THROUGHOUT],
    ["deadlines.heartbeat", deadlines.heartbeat, renewable],
  ] as const) {
    if (expiresAt === null) continue;
    const at = parseTimestamp(expiresAt);
    if (at === undefined) return { unreadable: name };
    all.push({ name, at: at + (skewMs ?? 0), expiresAt, counts });
  }
  if (isInstant(platformLimit)) {
    all.push({
      name: "platform_limit",
      at: platformLimit,
      // Written when it is told: a process's first date as text takes a twentieth of its first task.
      get expiresAt() {
        return formatTimestamp(platformLimit);
      },
      counts: THROUGHOUT,
    });
  }
  return new RunDeadlines(all, skewMs);
}

/** False for what has no timestamp: a platform without a limit may give an infinite one. */
export function isInstant(epochMs: number | undefined): epochMs is number {
  return epochMs !== undefined && epochMs > 0 && epochMs < 2.5e14;
}
