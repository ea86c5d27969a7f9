import { describe, expect, it } from "vitest";
import { openConnection } from "./connection.js";
import { MIGRATIONS, migrate } from "./migrations.js";

const versions = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x * 2"];

describe("migrations", () => {
  it("run once each, in order, and keep what was there", () => {
    const db = openConnection(":memory:", "off");
    migrate(db, "f", versions.slice(0, 1));
    db.exec("INSERT INTO a VALUES (21)");
    migrate(db, "f", versions);
    migrate(db, "f", versions);
    expect(db.prepare("SELECT x, y FROM a").all()).toMatchObject([{ x: 21, y: 42 }]);
    expect(db.pragma("user_version")).toBe(2);
  });

  it("leave nothing behind when one fails", () => {
    const db = openConnection(":memory:", "off");
    expect(() => {
      migrate(db, "f", ["CREATE TABLE a (x)", "CREATE TABLE b (x); no such statement"]);
    }).toThrow();
    expect(db.pragma("user_version")).toBe(0);
    expect(db.prepare("SELECT name FROM sqlite_schema").all()).toEqual([]);
  });

  it("refuse a file of a newer version", () => {
    const db = openConnection(":memory:", "off");
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    expect(() => {
      migrate(db, "jobs.db");
    }).toThrow(/jobs\.db has schema version \d+, .*: update @durable-workflow\/local-engine/);
  });
});
