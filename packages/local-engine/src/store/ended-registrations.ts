import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { EndedRegistration } from "./records.js";

interface EndedRow {
  readonly token: string;
  readonly namespace: string;
  readonly worker_id: string;
  readonly how: EndedRegistration["how"];
  readonly at: number;
}

/** Registrations that are over, kept for a while for those who ask again. */
export class EndedRegistrations {
  private readonly insert: Statement<never>;
  private readonly select: Statement<EndedRow>;
  private readonly deleteOld: Statement<never>;
  private readonly countAll: Statement<{ n: number }>;
  private readonly deleteOldest: Statement<never>;
  private readonly moveAll: Statement<never>;

  constructor(db: Connection) {
    this.insert = db.prepare("INSERT OR IGNORE INTO ended_registrations VALUES (?, ?, ?, ?, ?)");
    this.select = db.prepare("SELECT * FROM ended_registrations WHERE token = ?");
    this.deleteOld = db.prepare("DELETE FROM ended_registrations WHERE at < ?");
    this.countAll = db.prepare("SELECT count(*) AS n FROM ended_registrations");
    this.deleteOldest = db.prepare(
      "DELETE FROM ended_registrations WHERE token IN (SELECT token FROM ended_registrations ORDER BY at LIMIT ?)",
    );
    this.moveAll = db.prepare("UPDATE ended_registrations SET at = at + ?");
  }

  add({ token, namespace, workerId, how, at }: EndedRegistration): void {
    this.insert.run(token, namespace, workerId, how, at);
  }

  /** Undefined for a token that never was one of this worker, or is forgotten. */
  get(namespace: string, workerId: string, token: string): EndedRegistration | undefined {
    const row = this.select.get(token);
    if (row === undefined || row.namespace !== namespace || row.worker_id !== workerId) return undefined;
    return { token, namespace, workerId, how: row.how, at: row.at };
  }

  forgetBefore(instant: Micros): void {
    this.deleteOld.run(instant);
  }

  /** Forgets the oldest, so that at most `limit` are left. */
  keepAtMost(limit: number): void {
    const excess = (this.countAll.get()?.n ?? 0) - limit;
    if (excess > 0) this.deleteOldest.run(excess);
  }

  /** Moves when they ended. */
  move(by: Micros): void {
    this.moveAll.run(by);
  }
}
