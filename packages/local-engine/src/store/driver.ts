import { createRequire } from "node:module";
import { LocalEngineError } from "../errors.js";

/** SQLite as a driver brings it. This file alone names the drivers; what differs between them ends here. */
export interface Database {
  /** False once an error of the disk has ended the transaction. */
  readonly inTransaction: boolean;
  prepare(sql: string): DriverStatement;
  exec(sql: string): void;
  /** The first row of a pragma. */
  pragma(text: string): Readonly<Record<string, unknown>> | undefined;
  close(): void;
}

export interface DriverStatement {
  run(...parameters: readonly Parameter[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...parameters: readonly Parameter[]): unknown;
  all(...parameters: readonly Parameter[]): unknown[];
  iterate(...parameters: readonly Parameter[]): Iterable<unknown>;
}

export type Parameter = string | number | Uint8Array | null;

export interface Driver {
  readonly name: "node:sqlite" | "libsql";
  /** Whether closing lets the file go at once; otherwise the handle stays until its statements are collected as garbage. */
  readonly closesAtOnce: boolean;
  open(file: string): Database;
}

let chosen: Driver | undefined;

/**
 * `node:sqlite` where this Node has it (22.13 and newer), and `libsql` otherwise, which the optional dependency
 * `@durable-workflow/sqlite-node20` brings.
 *
 * @throws {LocalEngineError} `no_sqlite` when neither is there
 */
export function sqliteDriver(): Driver {
  return (chosen ??= chooseDriver([nodeSqlite, libsql]));
}

/** The first that can be loaded. */
export function chooseDriver(loaders: readonly (() => Driver | undefined)[]): Driver {
  let cause: unknown;
  for (const load of loaders) {
    try {
      const driver = load();
      if (driver !== undefined) return driver;
    } catch (error) {
      cause = error;
    }
  }
  throw new LocalEngineError(
    "no_sqlite",
    `no SQLite for Node ${process.versions.node}: use Node 22.13 or newer, which has it built in, or install the optional ` +
      "dependency (npm install libsql; npm leaves it out with --omit=optional)",
    { cause },
  );
}

/** The part of `node:sqlite` that is used here: the types of the oldest Node that is supported do not have it. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
    options: { readonly enableForeignKeyConstraints: boolean },
  ) => {
    /** Since 22.16. */
    readonly isTransaction?: boolean;
    prepare(sql: string): NativeStatement;
    exec(sql: string): void;
    close(): void;
  };
}

interface NativeStatement extends DriverStatement {
  setReadBigInts(enabled: boolean): void;
}

/** The driver of Node itself; undefined where this Node has none. */
export function nodeSqlite(): Driver | undefined {
  const sqlite = loadQuietly();
  if (sqlite === undefined) return undefined;
  return {
    name: "node:sqlite",
    closesAtOnce: true,
    open(file) {
      // As SQLite itself, and libsql, have it.
      const db = new sqlite.DatabaseSync(file, { enableForeignKeyConstraints: false });
      return {
        get inTransaction() {
          return db.isTransaction ?? isWithinTransaction(db);
        },
        prepare: (sql) => new NodeStatement(db.prepare(sql)),
        exec(sql) {
          db.exec(sql);
        },
        pragma: (text) => db.prepare(`PRAGMA ${text}`).get() as Record<string, unknown> | undefined,
        close() {
          db.close();
        },
      };
    },
  };
}

/**
 * `node:sqlite` throws where an integer has more than 53 bits: an instant after the year 2255, in microseconds. Such rows are
 * read again as libsql reads every row, rounded to the next number.
 */
class NodeStatement implements DriverStatement {
  private readonly native: NativeStatement;

  constructor(native: NativeStatement) {
    this.native = native;
  }

  run(...parameters: readonly Parameter[]): ReturnType<DriverStatement["run"]> {
    return this.native.run(...parameters);
  }

  get(...parameters: readonly Parameter[]): unknown {
    try {
      return this.native.get(...parameters);
    } catch (error) {
      return this.rounded(error, () => numbersOf(this.native.get(...parameters)));
    }
  }

  all(...parameters: readonly Parameter[]): unknown[] {
    try {
      return this.native.all(...parameters);
    } catch (error) {
      return this.rounded(error, () => this.native.all(...parameters).map(numbersOf));
    }
  }

  *iterate(...parameters: readonly Parameter[]): Iterable<unknown> {
    let given = 0;
    try {
      for (const row of this.native.iterate(...parameters)) {
        given++;
        yield row;
      }
    } catch (error) {
      yield* this.rounded(error, () => this.native.all(...parameters).map(numbersOf)).slice(given);
    }
  }

  private rounded<T>(error: unknown, read: () => T): T {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_OUT_OF_RANGE") throw error;
    this.native.setReadBigInts(true);
    try {
      return read();
    } finally {
      this.native.setReadBigInts(false);
    }
  }
}

function numbersOf(row: unknown): unknown {
  if (typeof row !== "object" || row === null) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : (value as unknown)]),
  );
}

/** For a Node that does not tell: a transaction cannot be begun within another. */
export function isWithinTransaction(db: { exec(sql: string): void }): boolean {
  try {
    db.exec("BEGIN");
  } catch {
    return true;
  }
  db.exec("ROLLBACK");
  return false;
}

/**
 * Loads `node:sqlite` without the warning that it is experimental, which Node prints at the first load: a user of the engine
 * can do nothing about it. Only that one is held back, and only while it is loaded.
 */
function loadQuietly(): NodeSqlite | undefined {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 13)) return undefined;
  const emitWarning = Object.getOwnPropertyDescriptor(process, "emitWarning") ?? {};
  try {
    Object.defineProperty(process, "emitWarning", { ...emitWarning, value: () => undefined });
    return (process as { getBuiltinModule?: (id: string) => unknown }).getBuiltinModule?.("node:sqlite") as
      | NodeSqlite
      | undefined;
  } finally {
    Object.defineProperty(process, "emitWarning", emitWarning);
  }
}

/** The part of `libsql` that is used here. */
type Libsql = new (
  file: string,
) => {
  readonly inTransaction: boolean;
  prepare(sql: string): ListStatement;
  exec(sql: string): void;
  pragma(text: string): unknown;
  close(): void;
};

interface ListStatement {
  run(parameters: readonly Parameter[]): ReturnType<DriverStatement["run"]>;
  get(parameters: readonly Parameter[]): unknown;
  all(parameters: readonly Parameter[]): unknown[];
  iterate(parameters: readonly Parameter[]): Iterable<unknown>;
}

const own = createRequire(import.meta.url);

/**
 * Package managers leave `@durable-workflow/sqlite-node20` out where Node has SQLite built in. It holds no code: it is there to
 * depend on `libsql`, which is looked for from its folder, and then from here, for who has installed that himself.
 */
function requireLibsql(): Libsql {
  let from = own;
  try {
    from = createRequire(own.resolve("@durable-workflow/sqlite-node20/package.json"));
  } catch {}
  return from("libsql") as Libsql;
}

/** @throws when it is not installed */
export function libsql(): Driver {
  const Database = requireLibsql();
  return {
    name: "libsql",
    closesAtOnce: false,
    open(file) {
      const db = new Database(file);
      return {
        get inTransaction() {
          return db.inTransaction;
        },
        prepare: (sql) => new LibsqlStatement(db.prepare(sql)),
        exec(sql) {
          db.exec(sql);
        },
        pragma: (text) => (db.pragma(text) as Record<string, unknown>[])[0],
        close() {
          db.close();
        },
      };
    },
  };
}

/** Hands parameters over as one list, which libsql would make of them otherwise. */
class LibsqlStatement implements DriverStatement {
  private readonly native: ListStatement;

  constructor(native: ListStatement) {
    this.native = native;
  }

  run(...parameters: readonly Parameter[]): ReturnType<DriverStatement["run"]> {
    return this.native.run(parameters);
  }

  get(...parameters: readonly Parameter[]): unknown {
    return this.native.get(parameters);
  }

  all(...parameters: readonly Parameter[]): unknown[] {
    return this.native.all(parameters);
  }

  iterate(...parameters: readonly Parameter[]): Iterable<unknown> {
    return this.native.iterate(parameters);
  }
}
