import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";

export interface LedgerRecord {
  /** Commits that changed something, since the file was made. */
  readonly commits: number;
  /** When the last one was; 0 before the first. */
  readonly lastAt: Micros;
  /** Which database this is: its copies have the same. */
  readonly origin: string;
}

/** The row of `ledger`: how far the database has come. */
export class Ledger {
  private readonly select: Statement<{ commits: number; last_at: number; origin: string }>;
  private readonly advance: Statement<never>;
  private readonly setLast: Statement<never>;
  private readonly touchRow: Statement<never>;
  /** Commits that are on disk. */
  private commits: number;

  constructor(db: Connection) {
    this.select = db.prepare("SELECT commits, last_at, origin FROM ledger");
    this.advance = db.prepare("UPDATE ledger SET commits = ?, last_at = max(last_at, ?)");
    this.setLast = db.prepare("UPDATE ledger SET last_at = ?");
    this.touchRow = db.prepare("UPDATE ledger SET last_at = last_at");
    this.commits = this.read().commits;
  }

  read(): LedgerRecord {
    const row = this.select.get();
    return { commits: row?.commits ?? 0, lastAt: row?.last_at ?? 0, origin: row?.origin ?? "" };
  }

  /** Writes that one more commit is about to be made, and returns the number of commits with it. */
  count(at: Micros): number {
    const commits = this.commits + 1;
    this.advance.run(commits, at);
    return commits;
  }

  /** That commit is on disk. */
  counted(commits: number): void {
    this.commits = commits;
  }

  setLastAt(at: Micros): void {
    this.setLast.run(at);
  }

  /** Writes what is there, to see whether it can be written. */
  touch(): void {
    this.touchRow.run();
  }
}
