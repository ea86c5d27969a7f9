import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/engine.js";
import { chooseDriver, type Driver, isWithinTransaction, libsql, nodeSqlite, sqliteDriver } from "./driver.js";
import { resultCodeName, sqliteCode } from "./result-codes.js";

const DIST = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

/** Both, where both can be had: libsql is installed in this workspace, and Node has its own since 22.13. */
const drivers = [nodeSqlite(), libsql()].filter((driver): driver is Driver => driver !== undefined);

describe.each(drivers.map((driver) => ({ name: driver.name, driver })))("$name", ({ driver }) => {
  const codeOf = (work: () => unknown): string | undefined => {
    try {
      work();
    } catch (error) {
      return sqliteCode(error);
    }
    return "nothing was thrown";
  };

  it("reads back what it wrote: numbers of 53 bits, texts, nulls", () => {
    const db = driver.open(":memory:");
    db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT) STRICT");
    const insert = db.prepare("INSERT INTO t (n, s) VALUES (?, ?)");
    const largest = Number.MAX_SAFE_INTEGER;
    expect(insert.run(largest, "ä€𝄞")).toMatchObject({ changes: 1 });
    expect(Number(insert.run(-1, null).lastInsertRowid)).toBe(2);
    const select = db.prepare("SELECT n, s FROM t WHERE id = ?");
    expect(select.get(1)).toMatchObject({ n: largest, s: "ä€𝄞" });
    expect(select.get(3)).toBeUndefined();
    const all = db.prepare("SELECT n FROM t ORDER BY id LIMIT ?");
    expect(all.all(5)).toMatchObject([{ n: largest }, { n: -1 }]);
    for (const row of all.iterate(5)) {
      expect(row).toMatchObject({ n: largest });
      break;
    }
    expect(db.prepare("UPDATE t SET n = n + ? WHERE id = ? RETURNING n").get(-1, 1)).toMatchObject({ n: largest - 1 });
    expect(Object.values(db.pragma("user_version") ?? {})).toEqual([0]);
    db.close();
  });

  it("rounds integers of more than 53 bits: instants after the year 2255", () => {
    const db = driver.open(":memory:");
    db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT");
    const at = Date.UTC(2999, 5, 1) * 1000;
    const insert = db.prepare("INSERT INTO t VALUES (?, ?)");
    for (const [id, instant] of [5, at, 7, at + 8].entries()) insert.run(id, instant);
    expect(db.prepare("SELECT at FROM t WHERE id = ?").get(1)).toMatchObject({ at });
    const all = db.prepare("SELECT at FROM t ORDER BY id");
    const expected = [{ at: 5 }, { at }, { at: 7 }, { at: at + 8 }];
    expect(all.all()).toMatchObject(expected);
    expect([...all.iterate()]).toMatchObject(expected);
    expect(db.prepare("SELECT at FROM t WHERE id = ?").get(0)).toMatchObject({ at: 5 });
    db.close();
  });

  it("tells whether a transaction is open", () => {
    const db = driver.open(":memory:");
    const seen = [db.inTransaction, isWithinTransaction(db)];
    db.exec("BEGIN");
    seen.push(db.inTransaction, isWithinTransaction(db), db.inTransaction);
    db.exec("ROLLBACK");
    seen.push(db.inTransaction, isWithinTransaction(db));
    expect(seen).toEqual([false, false, true, true, true, false, false]);
    db.close();
  });

  it("tells why something failed by SQLite's extended codes", () => {
    const folder = temporaryFolder();
    const db = driver.open(join(folder, "a.db"));
    db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT UNIQUE NOT NULL CHECK (s <> '')) STRICT");
    db.exec("INSERT INTO t VALUES (1, 'x')");
    const insert = db.prepare("INSERT INTO t VALUES (?, ?)");
    expect(codeOf(() => insert.run(1, "y"))).toBe("SQLITE_CONSTRAINT_PRIMARYKEY");
    expect(codeOf(() => insert.run(2, "x"))).toBe("SQLITE_CONSTRAINT_UNIQUE");
    expect(codeOf(() => insert.run(2, null))).toBe("SQLITE_CONSTRAINT_NOTNULL");
    expect(codeOf(() => insert.run(2, ""))).toBe("SQLITE_CONSTRAINT_CHECK");
    expect(codeOf(() => db.prepare("SELECT nothing FROM nowhere"))).toBe("SQLITE_ERROR");
    db.exec("PRAGMA max_page_count = 3");
    expect(codeOf(() => insert.run(2, "z".repeat(100_000)))).toBe("SQLITE_FULL");
    const text = join(folder, "notes.txt");
    writeFileSync(text, "not a database at all ".repeat(100));
    expect(codeOf(() => driver.open(text).exec("BEGIN IMMEDIATE"))).toBe("SQLITE_NOTADB");
    db.close();
  });

  it("does not close a file that another has locked, nor wait for it", () => {
    const file = join(temporaryFolder(), "a.db");
    const first = driver.open(file);
    first.pragma("locking_mode = EXCLUSIVE");
    first.exec("BEGIN IMMEDIATE; CREATE TABLE t (n); COMMIT");
    const second = driver.open(file);
    // The fastest of a few: a machine that is busy stops one of them, and not all.
    const tries = [1, 2, 3].map(() => {
      const started = performance.now();
      expect(codeOf(() => second.exec("BEGIN IMMEDIATE"))).toMatch(/^SQLITE_BUSY/);
      return performance.now() - started;
    });
    expect(Math.min(...tries)).toBeLessThan(2000);
    second.close();
    first.exec("INSERT INTO t VALUES (1)");
    first.close();
  });
});

it("the first driver that can be loaded is used, and its absence is told with what to do", () => {
  const missing = (): never => {
    throw Object.assign(new Error("Cannot find module 'libsql'"), { code: "MODULE_NOT_FOUND" });
  };
  const none = (): undefined => undefined;
  expect(chooseDriver([none, libsql]).name).toBe("libsql");
  expect(chooseDriver([missing, libsql]).name).toBe("libsql");
  expect(sqliteDriver().name).toBe(nodeSqlite() === undefined ? "libsql" : "node:sqlite");
  expect(() => chooseDriver([none, missing])).toThrow(/use Node 22\.13 or newer.*npm install libsql/);
  expect(() => chooseDriver([none, missing])).toThrow(
    expect.objectContaining({ code: "no_sqlite", cause: expect.objectContaining({ code: "MODULE_NOT_FOUND" }) }),
  );
});

it("nothing is printed when an engine opens, and warnings of others still are", () => {
  const program =
    "import(process.argv[1]).then(async ({ createLocalEngine }) => {" +
    "await createLocalEngine({ file: ':memory:' }).close(); process.emitWarning('a warning of somebody else') })";
  const { stderr, stdout, status } = spawnSync(process.execPath, ["-e", program, DIST], { encoding: "utf8" });
  expect(status).toBe(0);
  expect(stdout).toBe("");
  expect(stderr).not.toContain("ExperimentalWarning");
  expect(stderr).toContain("a warning of somebody else");
});

it("knows SQLite's codes by their numbers", () => {
  const named = { 1: "ERROR", 13: "FULL", 778: "IOERR_WRITE", 1034: "IOERR_FSYNC", 2067: "CONSTRAINT_UNIQUE" };
  for (const [number, name] of Object.entries(named)) expect(resultCodeName(Number(number))).toBe(`SQLITE_${name}`);
  expect(resultCodeName(516)).toBe("SQLITE_ABORT_ROLLBACK");
  expect(resultCodeName(8714)).toBe("SQLITE_IOERR_IN_PAGE");
  // One that is not known yet: 10 + 99 * 256.
  expect(resultCodeName(25_354)).toBe("SQLITE_IOERR");
  expect(resultCodeName(200)).toBe("SQLITE_ERROR");
});
