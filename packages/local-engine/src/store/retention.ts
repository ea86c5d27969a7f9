import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { Payloads } from "./payloads.js";

/** Rows of one run that are removed by one statement: a run may have many thousands of attempts and heartbeats. */
export const ROWS_AT_ONCE = 200;

export interface Pruned {
  /** Runs that are gone. */
  readonly removed: number;
  /** Whether no run is left that is to go. */
  readonly isDone: boolean;
}

/** Removes closed runs with all that belongs to them, and their claims to payloads. Their ids are free either way. */
export class Retention {
  private readonly expired: Statement<{ id: number }>;
  private readonly deleteSome: readonly Statement<never>[];
  private readonly deleteRest: readonly Statement<never>[];
  private readonly payloads: Payloads;
  private readonly gone: (run: number) => void;

  /** @param gone called for each run that is removed */
  constructor(db: Connection, payloads: Payloads, gone: (run: number) => void) {
    this.payloads = payloads;
    this.gone = gone;
    this.expired = db.prepare("SELECT id FROM runs WHERE closed_at <= ? ORDER BY closed_at LIMIT ?");
    const many = { events: "sequence", attempts: "number", superseded_tasks: "task_id" };
    this.deleteSome = Object.entries(many).map(([table, key]) =>
      db.prepare(
        `DELETE FROM ${table} WHERE run = ?1 AND ${key} IN (SELECT ${key} FROM ${table} WHERE run = ?1 LIMIT ${ROWS_AT_ONCE})`,
      ),
    );
    this.deleteRest = [
      db.prepare("DELETE FROM inputs WHERE run = ?"),
      db.prepare("DELETE FROM outcomes WHERE run = ?"),
      db.prepare("DELETE FROM runs WHERE id = ?"),
    ];
  }

  /**
   * Removes at most `limit` runs that closed at or before an instant.
   *
   * @param isOver asked after each run, and after each piece of a long one: whether the rest is for another time. Of a run
   *   that was begun some attempts and events are gone then
   */
  prune(closedBy: Micros, limit: number, now: Micros, isOver: () => boolean): Pruned {
    const runs = this.expired.all(closedBy, limit);
    let removed = 0;
    for (const { id } of runs) {
      if (!this.removeMany(id, isOver)) return { removed, isDone: false };
      this.payloads.release(id, now);
      for (const statement of this.deleteRest) statement.run(id);
      this.gone(id);
      removed++;
      if (isOver()) break;
    }
    return { removed, isDone: removed === runs.length && removed < limit };
  }

  /** False when something is left. */
  private removeMany(run: number, isOver: () => boolean): boolean {
    for (const statement of this.deleteSome) {
      while (statement.run(run).changes === ROWS_AT_ONCE) if (isOver()) return false;
    }
    return true;
  }
}
