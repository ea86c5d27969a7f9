import type { ActivityTaskInput } from "../protocol/task-input.js";
import { formatTimestamp, parseTimestamp } from "../protocol/timestamps.js";

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

interface TaskDeadline extends Deadline {
  readonly countsWhileRunning: boolean;
}

/**
 * A task's deadlines. All of them count on receipt. Once the handler has started, `schedule_to_start` never counts, and
 * neither do the lease and `heartbeat` where the caller renews them (`lease.renewed_by`).
 */
export class TaskDeadlines {
  private readonly all: TaskDeadline[];

  constructor(all: TaskDeadline[]) {
    this.all = all;
  }

  /** The first to pass of those that count on receipt: all of them. */
  first(): Deadline | undefined {
    return this.earliest(false);
  }

  /** The first to pass of those that count once the handler has started; undefined for none. */
  firstWhileRunning(): Deadline | undefined {
    return this.earliest(true);
  }

  /** When a deadline passes, in milliseconds since the epoch; undefined where it was not set. */
  at(name: DeadlineName): number | undefined {
    return this.all.find((deadline) => deadline.name === name)?.at;
  }

  /** Puts a deadline that is set off to a later instant. An earlier one changes nothing. */
  postpone(name: DeadlineName, at: number): void {
    const index = this.all.findIndex((deadline) => deadline.name === name);
    const deadline = this.all[index];
    if (deadline === undefined || at <= deadline.at || !isInstant(at)) return;
    this.all[index] = { ...deadline, at, expiresAt: formatTimestamp(at) };
  }

  /** The first of those that pass at the same instant. */
  private earliest(whileRunning: boolean): Deadline | undefined {
    let first: Deadline | undefined;
    for (const deadline of this.all) {
      if (whileRunning && !deadline.countsWhileRunning) continue;
      if (first === undefined || deadline.at < first.at) first = deadline;
    }
    return first;
  }
}

/**
 * Reads a task's deadlines.
 *
 * @param platformLimit when the platform ends this process, in milliseconds since the epoch
 */
export function readTaskDeadlines(
  { lease, deadlines }: ActivityTaskInput,
  platformLimit: number | undefined,
): TaskDeadlines | UnreadableDeadline {
  const renewed = lease.renewedBy !== null;
  const all: TaskDeadline[] = [];
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
    all.push({ name, at, expiresAt, countsWhileRunning });
  }
  return new TaskDeadlines(all);
}

/** False for what has no timestamp: a platform without a limit may give an infinite one. */
function isInstant(epochMs: number | undefined): epochMs is number {
  return epochMs !== undefined && epochMs > 0 && epochMs < 2.5e14;
}
