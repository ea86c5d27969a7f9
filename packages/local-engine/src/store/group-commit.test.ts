import { describe, expect, it } from "vitest";
import { type Connection, openConnection } from "./connection.js";
import { GroupCommit, StorageUnavailableError } from "./group-commit.js";

function database(): Connection {
  const db = openConnection(":memory:", "off");
  db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT NOT NULL DEFAULT '')");
  return db;
}

/** A connection that fails where it is told to, and counts commits. */
function failing(db: Connection, fails: (sql: string) => Error | undefined): Connection & { commits: number } {
  const wrapped = {
    commits: 0,
    get inTransaction() {
      return db.inTransaction;
    },
    prepare<Row>(sql: string) {
      const statement = db.prepare<Row>(sql);
      return {
        ...statement,
        get: (...parameters: never[]) => statement.get(...parameters),
        all: (...parameters: never[]) => statement.all(...parameters),
        run(...parameters: never[]) {
          const error = fails(sql);
          if (error !== undefined) throw error;
          if (sql === "COMMIT") wrapped.commits++;
          return statement.run(...parameters);
        },
      };
    },
    exec: (sql: string) => {
      db.exec(sql);
    },
    pragma: (text: string) => db.pragma(text),
    close: () => {
      db.close();
    },
  };
  return wrapped as Connection & { commits: number };
}

function sqliteError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const count = (db: Connection): unknown => db.prepare<{ c: number }>("SELECT count(*) AS c FROM t").get()?.c;

describe("group commit", () => {
  it("puts what waits into one transaction", async () => {
    const db = failing(database(), () => undefined);
    const commits = new GroupCommit(db, 100);
    const insert = db.prepare("INSERT INTO t (n) VALUES (?)");
    await Promise.all(Array.from({ length: 20 }, (_, n) => commits.run(() => insert.run(n))));
    expect(db.commits).toBe(1);
    expect(count(db)).toBe(20);
  });

  it("puts no more than the limit into one", async () => {
    const db = failing(database(), () => undefined);
    const commits = new GroupCommit(db, 1);
    const insert = db.prepare("INSERT INTO t (n) VALUES (?)");
    await Promise.all(Array.from({ length: 5 }, (_, n) => commits.run(() => insert.run(n))));
    expect(db.commits).toBe(5);
  });

  it("undoes what fails, alone and whole", async () => {
    const db = database();
    const commits = new GroupCommit(db, 100);
    const insert = db.prepare("INSERT INTO t (n) VALUES (?)");
    const outcomes = await Promise.allSettled([
      commits.run(() => insert.run(1)),
      commits.run(() => {
        insert.run(2);
        insert.run(1);
      }),
      commits.run(() => {
        insert.run(3);
        throw new Error("no");
      }),
      commits.run(() => insert.run(4)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(db.prepare("SELECT n FROM t ORDER BY n").all()).toMatchObject([{ n: 1 }, { n: 4 }]);
  });

  it("answers nothing before it is on disk, and calls back then", async () => {
    const db = failing(database(), () => undefined);
    const commits = new GroupCommit(db, 100);
    const seen: string[] = [];
    const done = commits
      .run(() => {
        commits.onCommit(() => seen.push(`told after ${db.commits}`));
      })
      .then(() => seen.push(`answered after ${db.commits}`));
    expect(seen).toEqual([]);
    await done;
    expect(seen).toEqual(["told after 1", "answered after 1"]);
  });

  it("answers those who asked, whatever becomes of telling others", async () => {
    const commits = new GroupCommit(database(), 100);
    const first = commits.run(() => {
      commits.onCommit(() => {
        throw new Error("nobody can be told");
      });
      return 1;
    });
    const second = commits.run(() => 2);
    expect(() => commits.close()).toThrow("nobody can be told");
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it("does not tell of what was undone", async () => {
    const commits = new GroupCommit(database(), 100);
    let told = 0;
    const failed = commits.run(() => {
      commits.onCommit(() => told++);
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(told).toBe(0);
  });

  it("takes what an operation asks for in passing into the same transaction", async () => {
    const db = failing(database(), () => undefined);
    const commits = new GroupCommit(db, 100);
    const insert = db.prepare("INSERT INTO t (n) VALUES (?)");
    let inner: Promise<unknown> | undefined;
    await commits.run(() => {
      insert.run(1);
      inner = commits.run(() => insert.run(2));
    });
    await inner;
    expect(db.commits).toBe(1);
    expect(count(db)).toBe(2);
  });

  it("keeps the others when the whole transaction cannot be kept", async () => {
    // The disk has no room for what holds 13.
    let holdsThirteen = false;
    const db = failing(database(), (sql) => {
      if (sql === "BEGIN") holdsThirteen = false;
      return sql === "COMMIT" && holdsThirteen ? sqliteError("SQLITE_FULL") : undefined;
    });
    const commits = new GroupCommit(db, 100);
    const insert = db.prepare("INSERT INTO t (n) VALUES (?)");
    const outcomes = await Promise.allSettled(
      [11, 12, 13, 14].map((n) =>
        commits.run(() => {
          if (n === 13) holdsThirteen = true;
          insert.run(n);
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[2]).toMatchObject({ reason: expect.any(StorageUnavailableError) });
    expect(count(db)).toBe(3);
    expect(db.inTransaction).toBe(false);
  });

  it("says that the storage cannot be written when it cannot", async () => {
    const db = failing(database(), (sql) => (sql.startsWith("INSERT") ? sqliteError("SQLITE_IOERR_WRITE") : undefined));
    const commits = new GroupCommit(db, 100);
    const insert = db.prepare("INSERT INTO t (n) VALUES (?)");
    await expect(commits.run(() => insert.run(1))).rejects.toBeInstanceOf(StorageUnavailableError);
    await expect(commits.run(() => "fine")).resolves.toBe("fine");
  });

  it("runs what waits before it closes, and nothing after", async () => {
    const db = database();
    const commits = new GroupCommit(db, 1);
    const waiting = Promise.all([commits.run(() => 1), commits.run(() => 2)]);
    commits.close();
    await expect(waiting).resolves.toEqual([1, 2]);
    await expect(commits.run(() => 3)).rejects.toMatchObject({ code: "closed" });
  });
});
