import { Attempts } from "./attempts.js";
import type { Connection } from "./connection.js";
import { type IntegrityCheck, openConnection } from "./connection.js";
import { GroupCommit } from "./group-commit.js";
import { History } from "./history.js";
import { Listing } from "./listing.js";
import { migrate } from "./migrations.js";
import { Namespaces } from "./namespaces.js";
import { ReadyTasks } from "./ready-tasks.js";
import { Retention } from "./retention.js";
import { Runs } from "./runs.js";
import { Workers } from "./workers.js";

/**
 * The database. Reads may happen at any time; writes only within {@link Store.transact}, whose promise settles once they
 * are on disk.
 */
export class Store {
  private readonly db: Connection;
  private readonly commits: GroupCommit;
  readonly runs: Runs;
  readonly ready: ReadyTasks;
  readonly attempts: Attempts;
  readonly history: History;
  readonly listing: Listing;
  readonly workers: Workers;
  readonly namespaces: Namespaces;
  readonly retention: Retention;

  private constructor(db: Connection, maxBatch: number) {
    this.db = db;
    this.commits = new GroupCommit(db, maxBatch);
    this.runs = new Runs(db);
    this.ready = new ReadyTasks(db);
    this.attempts = new Attempts(db);
    this.history = new History(db);
    this.listing = new Listing(db);
    this.workers = new Workers(db);
    this.namespaces = new Namespaces(db);
    this.retention = new Retention(db);
  }

  /** @throws {LocalEngineError} when the file cannot be used */
  static open(file: string, options: { readonly integrityCheck: IntegrityCheck; readonly maxBatch: number }): Store {
    const db = openConnection(file, options.integrityCheck);
    try {
      migrate(db, file);
      return new Store(db, options.maxBatch);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  transact<T>(work: () => T): Promise<T> {
    return this.commits.run(work);
  }

  /** Writes at once, in a transaction of its own; for the time before anything is served. */
  write(work: () => void): void {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.db.exec("COMMIT");
    } catch (error) {
      if (this.db.inTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Called within the work of {@link transact}: what to do once it is on disk. */
  onCommit(callback: () => void): void {
    this.commits.onCommit(callback);
  }

  /** Throws when the database does not answer. */
  probe(): void {
    this.db.pragma("user_version");
  }

  /** Writes out what is waiting, and closes the file. */
  close(): void {
    this.commits.close();
    this.db.close();
  }
}
