import { MICROS_PER_SECOND, type Micros } from "../engine/model.js";
import { Attempts } from "./attempts.js";
import { Backups, type BackupTarget } from "./backups.js";
import type { Connection } from "./connection.js";
import { closeQuietly, describeClosing, describeOpening, type IntegrityCheck, openConnection } from "./connection.js";
import { EndedRegistrations } from "./ended-registrations.js";
import { type CommitCounter, GroupCommit } from "./group-commit.js";
import { History } from "./history.js";
import { InputSchemas } from "./input-schemas.js";
import { Inspection } from "./inspection.js";
import { Leases } from "./leases.js";
import { Ledger } from "./ledger.js";
import { Listing } from "./listing.js";
import { migrate } from "./migrations.js";
import { Namespaces } from "./namespaces.js";
import { Payloads } from "./payloads.js";
import { ReadyTasks } from "./ready-tasks.js";
import { Retention } from "./retention.js";
import { Runs } from "./runs.js";
import { Witness } from "./witness.js";
import { Workers } from "./workers.js";

/** How long a refused write counts, if none is kept before. */
const REFUSED_FOR = 5 * MICROS_PER_SECOND;

/**
 * The database. Reads may happen at any time; writes only within {@link Store.transact}, whose promise settles once they
 * are on disk.
 */
export class Store {
  private readonly db: Connection;
  private readonly file: string;
  private readonly commits: GroupCommit;
  private readonly counter: CommitCounter;
  private readonly witness: Witness;
  private readonly backups: Backups;
  readonly runs: Runs;
  readonly ready: ReadyTasks;
  readonly leases: Leases;
  readonly attempts: Attempts;
  readonly history: History;
  readonly listing: Listing;
  readonly inspection: Inspection;
  readonly workers: Workers;
  readonly endedRegistrations: EndedRegistrations;
  readonly inputSchemas: InputSchemas;
  readonly namespaces: Namespaces;
  readonly retention: Retention;
  readonly payloads: Payloads;
  readonly ledger: Ledger;
  private readonly now: () => Micros;
  /** Commits of this file that were acknowledged once and are not in it any more: its log was damaged or lost. */
  readonly missingCommits: number;

  private constructor(db: Connection, { file, maxBatch, now, mostRemembered }: StoreOptions) {
    this.db = db;
    this.file = file;
    this.now = now;
    this.ready = new ReadyTasks(db, mostRemembered);
    this.leases = new Leases(db);
    this.runs = new Runs(db, this.ready, this.leases, mostRemembered);
    this.attempts = new Attempts(db, this.runs);
    this.history = new History(db);
    this.listing = new Listing(db);
    this.inspection = new Inspection(db);
    this.workers = new Workers(db, mostRemembered);
    this.endedRegistrations = new EndedRegistrations(db);
    this.inputSchemas = new InputSchemas(db);
    this.namespaces = new Namespaces(db);
    this.payloads = new Payloads(db);
    this.retention = new Retention(db, this.payloads, (run) => {
      this.runs.removed(run);
    });
    this.ledger = new Ledger(db);
    const { witness, missing } = Witness.open(file, this.ledger.read());
    this.witness = witness;
    this.missingCommits = missing;
    const { ledger } = this;
    this.counter = {
      totalChanges: () => db.changes,
      count: () => ledger.count(now()),
      counted(commits) {
        ledger.counted(commits);
        witness.write(commits);
      },
    };
    this.commits = new GroupCommit(db, maxBatch, this.counter, now, () => {
      this.forget();
    });
    this.backups = new Backups(db, file);
  }

  /** @throws {LocalEngineError} when the file cannot be used */
  static open(file: string, options: Omit<StoreOptions, "file"> & { readonly integrityCheck: IntegrityCheck }): Store {
    const db = openConnection(file, options.integrityCheck);
    try {
      // So that the file says which one it is, even without its log.
      if (migrate(db, file)) db.pragma("wal_checkpoint(TRUNCATE)");
      return new Store(db, { ...options, file });
    } catch (error) {
      closeQuietly(db);
      throw describeOpening(error, file);
    }
  }

  transact<T>(work: () => T): Promise<T> {
    return this.commits.run(work);
  }

  /** Writes at once, in a transaction of its own, and not within another. */
  write(work: () => void): void {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      work();
      const commits = this.counter.count();
      this.db.exec("COMMIT");
      this.counter.counted(commits);
    } catch (error) {
      this.forget();
      if (this.db.inTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  /** What is remembered of rows may be undone in the database. */
  private forget(): void {
    this.runs.forget();
    this.workers.forget();
    this.namespaces.forget();
  }

  /** Called within the work of {@link transact}: what to do once it is on disk. */
  onCommit(callback: () => void): void {
    this.commits.onCommit(callback);
  }

  /** Throws when the database does not answer. */
  probe(): void {
    this.db.pragma("user_version");
  }

  /**
   * Whether the disk takes what is written. After a failure that is so once something was written again, or five seconds
   * have gone by and a few bytes can be written.
   */
  canWrite(): boolean {
    const { failedAt } = this.commits;
    if (failedAt === undefined) return true;
    // There may be room for a few bytes and not for what was refused.
    if (this.now() - failedAt < REFUSED_FOR) return false;
    try {
      this.write(() => {
        this.ledger.touch();
      });
    } catch {
      return false;
    }
    this.commits.storageWorks();
    return true;
  }

  /** A consistent copy of what is on disk now. */
  backup(target: string, options: BackupTarget): Promise<void> {
    return this.backups.make(target, options);
  }

  /** As {@link close}, where an error has been met already that says more. */
  abandon(): void {
    try {
      this.close();
    } catch {
      // See above.
    }
  }

  /**
   * Ends backups, writes out what is waiting, and closes the file.
   *
   * @throws {LocalEngineError} `disk_full` or `file_unusable`; the file is let go all the same
   */
  close(): void {
    this.commits.close();
    this.backups.stop();
    let isWhole = true;
    try {
      this.db.close();
    } catch (error) {
      isWhole = false;
      throw describeClosing(error, this.file);
    } finally {
      this.backups.release();
      this.witness.close(isWhole);
    }
  }
}

export interface StoreOptions {
  readonly file: string;
  readonly maxBatch: number;
  readonly now: () => Micros;
  /** Most rows of each kind that are remembered, so as not to be read again. Default: what each kind has. */
  readonly mostRemembered?: number | undefined;
}
