import { closeSync, openSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isLocalEngineError, LocalEngineError } from "../errors.js";
import { type Database, type DriverStatement, type Parameter, sqliteDriver } from "./driver.js";
import { sqliteCode } from "./result-codes.js";

/** A prepared statement. Rows come as objects of columns. */
export interface Statement<Row> {
  run(...parameters: readonly Parameter[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...parameters: readonly Parameter[]): Row | undefined;
  all(...parameters: readonly Parameter[]): Row[];
  /** Rows one after the other, as they are asked for. */
  iterate(...parameters: readonly Parameter[]): Iterable<Row>;
}

export type { Parameter } from "./driver.js";

/** What the store needs of SQLite. */
export interface Connection {
  readonly inTransaction: boolean;
  /** Rows changed by prepared statements so far, those included that were undone. */
  readonly changes: number;
  prepare<Row = Record<string, unknown>>(sql: string): Statement<Row>;
  exec(sql: string): void;
  /** The value of a pragma's one row. */
  pragma(text: string): unknown;
  /** Lets go of the file in any case, and throws when its log could not be written back into it. */
  close(): void;
}

/** How closely a database is looked at when it is opened. */
export type IntegrityCheck =
  | "auto" // as quick, where that takes less than a second or so; otherwise as off
  | "quick" // every page
  | "full" // every page, and indexes against their tables
  | "off";

/** Of larger files not every page is read at each opening: a gigabyte takes seconds. */
const LARGEST_CHECKED_BYTES = 268_435_456;

/**
 * Pages of the log after which a commit writes them into the file: a quarter of SQLite's own number, so that no commit stands
 * still for long. Most commits write the same few pages, so it costs little more.
 */
export const CHECKPOINT_EVERY = 250;

/**
 * Opens a database file for this process alone, creating it if need be, for this user alone (0600): write-ahead log, and every commit on disk before
 * it counts (`synchronous=FULL`; on macOS with a flush of the drive's own cache).
 *
 * @throws {LocalEngineError} `file_in_use`, `file_unusable` or `file_corrupt`
 */
export function openConnection(file: string, check: IntegrityCheck): Connection {
  let db: Connection | undefined;
  try {
    makePrivate(file);
    db = wrap(sqliteDriver().open(file));
    // Exclusive from the first page on: a second process is refused, and one that dies leaves nothing behind.
    db.pragma("locking_mode = EXCLUSIVE");
    db.exec("BEGIN IMMEDIATE; COMMIT");
    // Before anything is written: a file that is refused stays as it is.
    checkIntegrity(db, file, check);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("fullfsync = ON");
    db.pragma("checkpoint_fullfsync = ON");
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_EVERY}`);
    db.pragma("cache_size = -65536");
    db.pragma("temp_store = MEMORY");
    return db;
  } catch (error) {
    closeQuietly(db);
    throw describeOpening(error, file);
  }
}

/**
 * SQLite would make a new file readable by everybody, payloads and all. Its companions get the mode of the file. One that
 * is there must not be opened here: closing it again would give up the lock that an engine of this process has on it.
 */
function makePrivate(file: string): void {
  if (file === ":memory:") return;
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch {
    // It is there, or SQLite will say better what is wrong.
  }
}

interface Changes {
  count: number;
}

/** A statement that can be let go before it is collected as garbage. */
class Prepared<Row> implements Statement<Row> {
  private statement: DriverStatement | undefined;
  private readonly changes: Changes;
  /** Whether it writes; then its rows are those that it has written. */
  private readonly writes: boolean;

  constructor(statement: DriverStatement, sql: string, changes: Changes) {
    this.statement = statement;
    this.writes = /^\s*(?:INSERT|UPDATE|DELETE)\b/i.test(sql);
    this.changes = changes;
  }

  run(...parameters: readonly Parameter[]): ReturnType<DriverStatement["run"]> {
    try {
      const done = this.use().run(...parameters);
      if (this.writes) this.changes.count += done.changes;
      return done;
    } catch (error) {
      throw letGoOf(error);
    }
  }

  get(...parameters: readonly Parameter[]): Row | undefined {
    try {
      const row = this.use().get(...parameters) as Row | undefined;
      if (this.writes && row !== undefined) this.changes.count++;
      return row;
    } catch (error) {
      throw letGoOf(error);
    }
  }

  all(...parameters: readonly Parameter[]): Row[] {
    try {
      return this.use().all(...parameters) as Row[];
    } catch (error) {
      throw letGoOf(error);
    }
  }

  iterate(...parameters: readonly Parameter[]): Iterable<Row> {
    return this.use().iterate(...parameters) as Iterable<Row>;
  }

  drop(): void {
    this.statement = undefined;
  }

  private use(): DriverStatement {
    if (this.statement === undefined) throw new LocalEngineError("closed", "the engine was closed");
    return this.statement;
  }
}

function wrap(opened: Database): Connection {
  const statements: Prepared<unknown>[] = [];
  const changes: Changes = { count: 0 };
  let db: Database | undefined = opened;
  const use = (): Database => {
    if (db === undefined) throw new LocalEngineError("closed", "the engine was closed");
    return db;
  };
  return {
    get inTransaction() {
      return use().inTransaction;
    },
    get changes() {
      return changes.count;
    },
    prepare<Row>(sql: string) {
      const prepared = new Prepared<Row>(
        guarded(() => use().prepare(sql)),
        sql,
        changes,
      );
      statements.push(prepared);
      return prepared;
    },
    exec(sql) {
      guarded(() => {
        use().exec(sql);
      });
    },
    pragma(text) {
      return Object.values(guarded(() => use().pragma(text)) ?? {})[0];
    },
    close() {
      const closing = use();
      for (const statement of statements) statement.drop();
      db = undefined;
      try {
        guarded(() => {
          release(closing);
        });
      } finally {
        closing.close();
      }
    },
  };
}

/**
 * Until an error's stack is read, the error holds on to the objects whose methods it came through. Statements must not live
 * as long as it does: see {@link letGo}.
 */
function letGoOf(error: unknown): unknown {
  if (error instanceof Error) void error.stack;
  return error;
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw letGoOf(error);
  }
}

/**
 * Gives up the lock. libsql keeps its handle until prepared statements are collected as garbage, and SQLite the lock
 * with it. Leaving the write-ahead mode also leaves one file behind instead of two. On a full disk it fails.
 */
function release(db: Database): void {
  db.pragma("journal_mode = DELETE");
  db.pragma("locking_mode = NORMAL");
  db.exec("SELECT count(*) FROM sqlite_schema");
}

/**
 * Waits until the file is let go after a closing that failed: the lock goes with the last handle, and libsql keeps that
 * until its statements are collected as garbage.
 */
export async function letGo(): Promise<void> {
  if (sqliteDriver().closesAtOnce) return;
  for (let round = 0; round < 3; round++) {
    await nextTurn();
    collectGarbage();
  }
  await nextTurn();
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Whether every page of a file of so many bytes is read. */
export function isChecked(check: IntegrityCheck, bytes: number): boolean {
  return check === "auto" ? bytes <= LARGEST_CHECKED_BYTES : check !== "off";
}

function sizeOf(db: Connection): number {
  return (db.pragma("page_count") as number) * (db.pragma("page_size") as number);
}

function checkIntegrity(db: Connection, file: string, check: IntegrityCheck): void {
  if (!isChecked(check, sizeOf(db))) return;
  const found = db.pragma(check === "full" ? "integrity_check(1)" : "quick_check(1)");
  if (found === "ok") return;
  throw new LocalEngineError(
    "file_corrupt",
    `${file} is damaged (${String(found).slice(0, 200)}): restore a copy of it, or start with another file`,
  );
}

export function closeQuietly(db: Connection | undefined): void {
  try {
    db?.close();
  } catch {
    // The error that led here says more.
    if (!sqliteDriver().closesAtOnce) collectGarbage();
  }
}

export function describeOpening(error: unknown, file: string): LocalEngineError {
  if (isLocalEngineError(error)) return error;
  const code = sqliteCode(error) ?? "";
  const cause = { cause: error };
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    const message = `${file} is in use by another engine: a file has one engine at a time; stop that one, or use another file`;
    return new LocalEngineError("file_in_use", message, cause);
  }
  if (code.startsWith("SQLITE_FULL")) {
    return new LocalEngineError("disk_full", `${file} cannot be opened, as its disk is full: make room`, cause);
  }
  if (code.startsWith("SQLITE_NOTADB")) {
    return new LocalEngineError("file_unusable", `${file} is not a SQLite database: use another file`, cause);
  }
  if (code.startsWith("SQLITE_CORRUPT")) {
    const message = `${file} is damaged: restore a copy of it, or start with another file`;
    return new LocalEngineError("file_corrupt", message, cause);
  }
  const why = error instanceof Error ? error.message : String(error);
  return new LocalEngineError(
    "file_unusable",
    `${file} cannot be opened (${why}): check its folder and permissions`,
    cause,
  );
}

/** What a connection that could not be closed in order has left. Nothing is lost: the log is read again at the next opening. */
export function describeClosing(error: unknown, file: string): LocalEngineError {
  const isFull = sqliteCode(error)?.startsWith("SQLITE_FULL") === true;
  const why = isFull
    ? "its disk is full"
    : `it cannot be written (${error instanceof Error ? error.message : String(error)})`;
  return new LocalEngineError(
    isFull ? "disk_full" : "file_unusable",
    `${file} is closed, but ${why}: what was acknowledged is in ${file}-wal, keep that file beside it; the next opening reads it`,
    { cause: error },
  );
}
