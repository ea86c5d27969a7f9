import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { Payloads } from "./payloads.js";

/** Removes closed runs with all that belongs to them, and their claims to payloads. Their ids are free either way. */
export class Retention {
  private readonly expired: Statement<{ id: number }>;
  private readonly deletes: readonly Statement<never>[];
  private readonly payloads: Payloads;

  constructor(db: Connection, payloads: Payloads) {
    this.payloads = payloads;
    this.expired = db.prepare("SELECT id FROM runs WHERE closed_at <= ? ORDER BY closed_at LIMIT ?");
    this.deletes = [
      db.prepare("DELETE FROM inputs WHERE run = ?"),
      db.prepare("DELETE FROM outcomes WHERE run = ?"),
      db.prepare("DELETE FROM attempts WHERE run = ?"),
      db.prepare("DELETE FROM events WHERE run = ?"),
      db.prepare("DELETE FROM superseded_tasks WHERE run = ?"),
      db.prepare("DELETE FROM runs WHERE id = ?"),
    ];
  }

  /** Removes at most `limit` runs that closed at or before an instant, and returns how many. */
  prune(closedBy: Micros, limit: number, now: Micros): number {
    const runs = this.expired.all(closedBy, limit);
    for (const { id } of runs) {
      this.payloads.release(id, now);
      for (const statement of this.deletes) statement.run(id);
    }
    return runs.length;
  }
}
