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
  readonly name: string;
  readonly value: string;
}

export interface TaskTimes {
  /** The first deadline to pass, of all of them: what counts on receipt. */
  readonly onReceipt: Deadline;
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
  input: ActivityTaskInput,
  platformLimit: number | undefined,
): TaskTimes | UnreadableDeadline {
  const { lease, deadlines } = input;
  const renewed = lease.renewedBy !== null;
  const leaseEnd = parseTimestamp(lease.expiresAt);
  if (leaseEnd === undefined) return { name: "lease.expires_at", value: lease.expiresAt };

  let onReceipt: Deadline = { name: "lease.expires_at", at: leaseEnd, expiresAt: lease.expiresAt };
  let whileRunning = renewed ? undefined : onReceipt;
  const table = [
    ["deadlines.schedule_to_start", deadlines.scheduleToStart, false],
    ["deadlines.start_to_close", deadlines.startToClose, true],
    ["deadlines.schedule_to_close", deadlines.scheduleToClose, true],
    ["deadlines.heartbeat", deadlines.heartbeat, !renewed],
  ] as const;
  for (const [name, expiresAt, countsWhileRunning] of table) {
    if (expiresAt === null) continue;
    const at = parseTimestamp(expiresAt);
    if (at === undefined) return { name, value: expiresAt };
    const deadline = { name, at, expiresAt };
    onReceipt = earlier(onReceipt, deadline);
    if (countsWhileRunning) whileRunning = earlier(whileRunning, deadline);
  }
  if (platformLimit !== undefined) {
    const deadline = { name: "platform_limit", at: platformLimit, expiresAt: formatTimestamp(platformLimit) };
    onReceipt = earlier(onReceipt, deadline);
    whileRunning = earlier(whileRunning, deadline);
  }
  return { onReceipt, whileRunning };
}
