import type { ActivityTaskInput } from "../protocol/task-input.js";
import { formatTimestamp, parseTimestamp } from "../protocol/timestamps.js";

export interface Deadline {
  /** As the contract names it: `lease.expires_at`, `deadlines.start_to_close`, ...; `platform_limit` is ours. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The instant as the envelope has it. */
  readonly expiresAt: string;
}

/** A deadline that is no timestamp: the task cannot be judged, and is not run. */
export interface UnreadableDeadline {
  /** Its name. */
  readonly unreadable: string;
}

export interface TaskTimes {
  /** The first deadline to pass, of all of them: what counts on receipt. */
  readonly onReceipt: Deadline | undefined;
  /** The first deadline to pass of those that count once the handler has started; undefined for none. */
  readonly whileRunning: Deadline | undefined;
}

/** The earlier of two, the first where both are the same instant. */
function earlier(first: Deadline | undefined, second: Deadline): Deadline {
  return first === undefined || second.at < first.at ? second : first;
}

/**
 * Sorts out a task's deadlines. All of them count on receipt. Once the handler has started, `schedule_to_start` never
 * counts, and neither do the lease and `heartbeat` where the caller renews them (`lease.renewed_by`).
 *
 * @param platformLimit when the platform ends this process, in milliseconds since the epoch
 */
export function readTaskTimes(
  { lease, deadlines }: ActivityTaskInput,
  platformLimit: number | undefined,
): TaskTimes | UnreadableDeadline {
  const renewed = lease.renewedBy !== null;
  let onReceipt: Deadline | undefined;
  let whileRunning: Deadline | undefined;
  for (const [name, expiresAt, countsWhileRunning] of [
    ["lease.expires_at", lease.expiresAt, !renewed],
    ["deadlines.schedule_to_start", deadlines.scheduleToStart, false],
    ["deadlines.start_to_close", deadlines.startToClose, true],
    ["deadlines.schedule_to_close", deadlines.scheduleToClose, true],
    ["deadlines.heartbeat", deadlines.heartbeat, !renewed],
    ["platform_limit", isInstant(platformLimit) ? formatTimestamp(platformLimit) : null, true],
  ] as const) {
    if (expiresAt === null) continue;
    const at = parseTimestamp(expiresAt);
    if (at === undefined) return { unreadable: name };
    const deadline = { name, at, expiresAt };
    onReceipt = earlier(onReceipt, deadline);
    if (countsWhileRunning) whileRunning = earlier(whileRunning, deadline);
  }
  return { onReceipt, whileRunning };
}

/** False for what has no timestamp: a platform without a limit may give an infinite one. */
function isInstant(epochMs: number | undefined): epochMs is number {
  return epochMs !== undefined && epochMs > 0 && epochMs < 2.5e14;
}
