import { LocalEngineError } from "../errors.js";
import type { Connection } from "./connection.js";
import { sqliteCode } from "./result-codes.js";

/** The disk is full, or cannot be written: nothing of the request was recorded, and a later repeat may succeed. */
export class StorageUnavailableError extends Error {
  constructor(cause: unknown) {
    super("The engine's storage cannot be written.", { cause });
    this.name = "StorageUnavailableError";
  }
}

/** Keeps count of the commits. */
export interface CommitCounter {
  /** Rows changed so far. */
  totalChanges(): number;
  /** Called within a transaction that changed something, before it is committed. */
  count(): number;
  /** That commit is on disk. */
  counted(commits: number): void;
}

interface Operation {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  outcome: { readonly value: unknown } | { readonly error: unknown } | undefined;
  /** What to do once the operation is on disk. */
  committed: (() => void)[];
}

type Kept =
  | "kept" // what could be kept of it is on disk, and every operation has its outcome
  | "thrown" // an operation threw that cannot be undone alone: nothing was kept
  | "lost"; // the transaction could not be kept: nothing was

/**
 * Runs operations in transactions, as many of those that are waiting as fit into one, so that they share one flush to disk.
 * Each settles when the transaction it was part of is on disk, or was given up. An operation that throws is undone alone;
 * those beside it stay: the transaction is undone and begun again, with a savepoint around each operation, which costs too
 * much to have it always.
 */
export class GroupCommit {
  private readonly db: Connection;
  private readonly maxBatch: number;
  private readonly counter: CommitCounter | undefined;
  private readonly begin;
  private readonly commit;
  private readonly rollback;
  private readonly mark;
  private readonly undo;
  private readonly release;
  private waiting: Operation[] = [];
  private batch: Operation[] | undefined;
  private running: Operation | undefined;
  private scheduled = false;
  private closed = false;
  private readonly now: () => number;
  private readonly undone: () => void;
  private failed: number | undefined;

  /**
   * @param maxBatch the most operations in one transaction; 1 flushes to disk for each
   * @param undone called whenever something that was written is undone
   */
  constructor(
    db: Connection,
    maxBatch: number,
    counter?: CommitCounter,
    now: () => number = () => 0,
    undone: () => void = () => undefined,
  ) {
    this.db = db;
    this.maxBatch = maxBatch;
    this.counter = counter;
    this.now = now;
    this.undone = undone;
    this.begin = db.prepare("BEGIN");
    this.commit = db.prepare("COMMIT");
    this.rollback = db.prepare("ROLLBACK");
    this.mark = db.prepare("SAVEPOINT operation");
    this.undo = db.prepare("ROLLBACK TO operation");
    this.release = db.prepare("RELEASE operation");
  }

  /**
   * Runs `work` in a transaction and gives its value once that is on disk. `work` may run several times, if what was
   * beside it made the first transaction fail: it must do nothing but read and write the database, and call {@link onCommit}.
   */
  run<T>(work: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new LocalEngineError("closed", "the engine was closed"));
    return new Promise<T>((resolve, reject) => {
      const operation: Operation = { work, resolve, reject, outcome: undefined, committed: [] };
      // What an operation asks for in passing goes into the same transaction, while there is room.
      if (this.batch !== undefined && this.batch.length < this.maxBatch) {
        this.batch.push(operation);
        return;
      }
      this.waiting.push(operation);
      this.schedule();
    });
  }

  /** Called within `work`: what to do once the operation is on disk. */
  onCommit(callback: () => void): void {
    this.running?.committed.push(callback);
  }

  /** When the disk refused a write; undefined once one was kept. */
  get failedAt(): number | undefined {
    return this.failed;
  }

  /** Something was written by other means: the disk takes it again. */
  storageWorks(): void {
    this.failed = undefined;
  }

  /** Runs what is waiting, and takes nothing more. */
  close(): void {
    while (this.waiting.length > 0) this.flush();
    this.closed = true;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // After what else has come in with this turn of the event loop: it can share the flush.
    setImmediate(() => {
      this.scheduled = false;
      if (!this.closed) this.flush();
    });
  }

  private flush(): void {
    const batch = this.waiting.splice(0, this.maxBatch);
    if (batch.length === 0) return;
    this.batch = batch;
    try {
      let kept = this.tryTogether(batch, false);
      if (kept === "thrown") kept = this.tryTogether(batch, true);
      if (kept !== "kept") this.tryApart(batch);
    } finally {
      this.batch = undefined;
    }
    try {
      // First those that have waited longest: who is told of what was done here, then who asked for it.
      for (const { committed } of batch) for (const callback of committed) callback();
    } finally {
      for (const operation of batch) settle(operation);
      if (this.waiting.length > 0) this.schedule();
    }
  }

  /**
   * All in one transaction.
   *
   * @param isMarked whether each operation can be undone alone; otherwise the first that throws undoes them all
   */
  private tryTogether(batch: readonly Operation[], isMarked: boolean): Kept {
    try {
      this.begin.run();
      const before = this.counter?.totalChanges() ?? 0;
      for (const operation of batch) {
        operation.committed = [];
        if (isMarked) this.attempt(operation);
        else if (!this.attemptUnmarked(operation)) {
          this.giveUp();
          return "thrown";
        }
        // Some errors of the disk end the whole transaction.
        if (isMarked && !this.db.inTransaction) {
          this.undone();
          return "lost";
        }
      }
      const hasChanges = this.counter !== undefined && this.counter.totalChanges() !== before;
      const commits = hasChanges ? this.counter?.count() : undefined;
      this.commit.run();
      if (commits !== undefined) {
        this.failed = undefined;
        this.counter?.counted(commits);
      }
      return "kept";
    } catch (error) {
      this.giveUp();
      const lone = batch.length === 1 ? batch[0] : undefined;
      if (lone === undefined) return "lost";
      lone.outcome = { error: this.storageError(error) };
      lone.committed = [];
      return "kept";
    }
  }

  private giveUp(): void {
    this.undone();
    if (this.db.inTransaction) this.rollback.run();
  }

  /** One by one, so that only those fail which cannot be kept. */
  private tryApart(batch: readonly Operation[]): void {
    for (const operation of batch) {
      operation.outcome = undefined;
      operation.committed = [];
      if (this.tryTogether([operation], true) !== "kept" && operation.outcome === undefined) {
        operation.outcome = { error: this.storageError(undefined) };
      }
    }
  }

  /** False when it throws: what it and those before it did is still to be undone. */
  private attemptUnmarked(operation: Operation): boolean {
    this.running = operation;
    try {
      operation.outcome = { value: operation.work() };
      return true;
    } catch {
      return false;
    } finally {
      this.running = undefined;
    }
  }

  private attempt(operation: Operation): void {
    this.running = operation;
    this.mark.run();
    try {
      operation.outcome = { value: operation.work() };
      this.release.run();
    } catch (error) {
      operation.outcome = { error: this.storageError(error) };
      operation.committed = [];
      this.undone();
      if (this.db.inTransaction) {
        this.undo.run();
        this.release.run();
      }
    } finally {
      this.running = undefined;
    }
  }

  private storageError(error: unknown): unknown {
    const described = asStorageError(error);
    if (described instanceof StorageUnavailableError) this.failed = this.now();
    return described;
  }
}

function settle({ outcome, resolve, reject }: Operation): void {
  if (outcome !== undefined && "value" in outcome) resolve(outcome.value as never);
  else reject(outcome?.error);
}

/** Codes that speak of the disk, not of the statement. */
const OF_THE_DISK = /^SQLITE_(?:FULL|IOERR|CANTOPEN|READONLY|NOMEM|BUSY)/;

function asStorageError(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined && error !== undefined) return error;
  return code === undefined || OF_THE_DISK.test(code) ? new StorageUnavailableError(error) : error;
}
