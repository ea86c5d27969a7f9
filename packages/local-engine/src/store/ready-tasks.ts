import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";

/** One look into the index for each activity type, whatever the number of tasks that wait. */
export const FIRST_READY_SQL = `SELECT id, available_at FROM runs
  WHERE namespace = ? AND task_queue = ? AND activity_type = ? AND task_status = 'ready' AND available_at <= ?
  ORDER BY available_at, id LIMIT 1`;

export const NEXT_READY_SQL = `SELECT available_at FROM runs
  WHERE namespace = ? AND task_queue = ? AND activity_type = ? AND task_status = 'ready' AND available_at > ?
  ORDER BY available_at LIMIT 1`;

interface ReadyRow {
  readonly id: number;
  readonly available_at: number;
}

/** The queues: tasks that wait for a worker, in the order of `available_at`, then of their start. */
export class ReadyTasks {
  private readonly first: Statement<ReadyRow>;
  private readonly next: Statement<{ available_at: number }>;

  constructor(db: Connection) {
    this.first = db.prepare(FIRST_READY_SQL);
    this.next = db.prepare(NEXT_READY_SQL);
  }

  /** The run whose task is to be handed out first, of those types. */
  firstRun(namespace: string, queue: string, types: readonly string[], now: Micros): number | undefined {
    let best: ReadyRow | undefined;
    for (const type of types) {
      const row = this.first.get(namespace, queue, type, now);
      if (row === undefined) continue;
      const earlier = best === undefined || row.available_at < best.available_at;
      if (earlier || (row.available_at === best?.available_at && row.id < best.id)) best = row;
    }
    return best?.id;
  }

  /** When the next task of those types, none of which can be handed out now, will be. */
  nextAt(namespace: string, queue: string, types: readonly string[], now: Micros): Micros | undefined {
    let soonest: Micros | undefined;
    for (const type of types) {
      const at = this.next.get(namespace, queue, type, now)?.available_at;
      if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
    }
    return soonest;
  }
}
