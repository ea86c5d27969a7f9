import { closeSync, openSync } from "node:fs";
import Database from "libsql";
import { isLocalEngineError, LocalEngineError } from "../errors.js";

/** A prepared statement. Rows come as objects of columns. */
export interface Statement<Row> {
  run(...parameters: readonly Parameter[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...parameters: readonly Parameter[]): Row | undefined;
  all(...parameters: readonly Parameter[]): Row[];
}

export type Parameter = string | number | null;

/** What the store needs of SQLite, so that the driver is named in this file only. */
export interface Connection {
  readonly inTransaction: boolean;
  prepare<Row = Record<string, unknown>>(sql: string): Statement<Row>;
  exec(sql: string): void;
  /** The value of a pragma's one row. */
  pragma(text: string): unknown;
  close(): void;
}

export type IntegrityCheck = "quick" | "full" | "off";

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
    db = wrap(new Database(file));
    // Exclusive from the first page on: a second process is refused, and one that dies leaves nothing behind.
    db.pragma("locking_mode = EXCLUSIVE");
    db.exec("BEGIN IMMEDIATE; COMMIT");
    // Before anything is written: a file that is refused stays as it is.
    checkIntegrity(db, file, check);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("fullfsync = ON");
    db.pragma("checkpoint_fullfsync = ON");
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

function wrap(db: Database.Database): Connection {
  return {
    get inTransaction() {
      return db.inTransaction;
    },
    prepare: <Row>(sql: string) => db.prepare(sql) as unknown as Statement<Row>,
    exec(sql) {
      db.exec(sql);
    },
    pragma(text) {
      const rows = db.pragma(text) as Record<string, unknown>[];
      return Object.values(rows[0] ?? {})[0];
    },
    close() {
      try {
        release(db);
      } finally {
        db.close();
      }
    },
  };
}

/**
 * Gives up the lock. The driver keeps its handle until prepared statements are collected as garbage, and SQLite the lock
 * with it. Leaving the write-ahead mode also leaves one file behind instead of two.
 */
function release(db: Database.Database): void {
  db.pragma("journal_mode = DELETE");
  db.pragma("locking_mode = NORMAL");
  db.exec("SELECT count(*) FROM sqlite_schema");
}

function checkIntegrity(db: Connection, file: string, check: IntegrityCheck): void {
  if (check === "off") return;
  const found = db.pragma(check === "full" ? "integrity_check(1)" : "quick_check(1)");
  if (found === "ok") return;
  throw new LocalEngineError(
    "file_corrupt",
    `${file} is damaged (${String(found).slice(0, 200)}): restore a copy of it, or start with another file`,
  );
}

function closeQuietly(db: Connection | undefined): void {
  try {
    db?.close();
  } catch {
    // The error that led here says more.
  }
}

function describeOpening(error: unknown, file: string): LocalEngineError {
  if (isLocalEngineError(error)) return error;
  const code = sqliteCode(error) ?? "";
  const cause = { cause: error };
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    const message = `${file} is in use by another engine: a file has one engine at a time; stop that one, or use another file`;
    return new LocalEngineError("file_in_use", message, cause);
  }
  if (code.startsWith("SQLITE_NOTADB")) {
    return new LocalEngineError("file_unusable", `${file} is no SQLite database: use another file`, cause);
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

/** The name of SQLite's result code (`SQLITE_FULL`), or undefined for errors that are not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return error.code.startsWith("SQLITE_") ? error.code : undefined;
}
