import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_PROCESS } from "@durable-workflow/test-support/child-engine";
import { describe, expect, it } from "vitest";
import { cleanUp, openEngine, temporaryFolder } from "../../test/support/engine.js";
import { createLocalEngine } from "../index.js";
import { isChecked, openConnection } from "./connection.js";

describe("a database file", () => {
  it("is written ahead, flushed with every commit, and locked", () => {
    const db = openConnection(join(temporaryFolder(), "engine.db"), "quick");
    cleanUp(() => {
      db.close();
    });
    expect(db.pragma("journal_mode")).toBe("wal");
    expect(db.pragma("synchronous")).toBe(2);
    expect(db.pragma("locking_mode")).toBe("exclusive");
  });

  it("is made for its owner only, its log too, and one that is there keeps its mode", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const { engine, client } = await openEngine({ file });
    await client.started("t", "q");
    expect(readdirSync(folder)).toContain("engine.db-wal");
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    await engine.close();
    chmodSync(file, 0o640);
    await createLocalEngine({ file }).close();
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it("is refused to a second engine, in this process and in another, until the first is closed", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { engine } = await openEngine({ file });
    expect(() => createLocalEngine({ file })).toThrow(/engine\.db is in use by another engine/);
    const other = spawnSync(process.execPath, [ENGINE_PROCESS, JSON.stringify({ file })], { encoding: "utf8" });
    expect(other.status).not.toBe(0);
    expect(other.stderr).toContain("file_in_use");
    await engine.close();
    await createLocalEngine({ file }).close();
  });

  it("that is damaged is refused, and left as it is", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { engine, client } = await openEngine({ file });
    for (let n = 0; n < 200; n++) await client.started("t", "q", { input: ["x".repeat(300)] });
    await engine.close();
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 8192, 24_576);
    writeFileSync(file, bytes);
    expect(() => createLocalEngine({ file })).toThrow(/engine\.db is damaged/);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it("that is none, or has no folder, is refused with the reason", () => {
    const folder = temporaryFolder();
    const text = join(folder, "notes.txt");
    writeFileSync(text, "not a database at all, but long enough to be taken for one by its size alone".repeat(20));
    expect(() => createLocalEngine({ file: text })).toThrow(/notes\.txt is not a SQLite database/);
    expect(() => createLocalEngine({ file: join(folder, "no", "engine.db") })).toThrow(
      /cannot be opened .*check its folder/,
    );
    mkdirSync(join(folder, "folder.db"));
    expect(() => createLocalEngine({ file: join(folder, "folder.db") })).toThrow(/cannot be opened/);
  });

  it("that is large is read at its opening only where that is asked for", () => {
    const size = 256 * 2 ** 20;
    expect(isChecked("auto", size)).toBe(true);
    expect(isChecked("auto", size + 4096)).toBe(false);
    for (const bytes of [4096, 100 * size]) {
      expect([isChecked("quick", bytes), isChecked("full", bytes), isChecked("off", bytes)]).toEqual([
        true,
        true,
        false,
      ]);
    }
  });
});
