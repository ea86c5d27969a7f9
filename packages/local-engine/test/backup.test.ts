import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChildEngine } from "@durable-workflow/test-support/child-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { cleanUp, openEngine, temporaryFolder } from "./support/engine.js";

async function idsIn(file: string): Promise<ReadonlySet<string>> {
  const engine = createLocalEngine({ file, integrityCheck: "full" });
  try {
    const client = new Client((await engine.listen()).url);
    const ids = new Set<string>();
    for (let token: string | null = ""; token !== null; ) {
      const { body } = await client.call("GET", `/api/activities?page_size=200&next_page_token=${token}`);
      for (const { activity_id: id } of body.activities) ids.add(id);
      token = body.next_page_token;
    }
    return ids;
  } finally {
    await engine.close();
  }
}

describe("a backup", () => {
  it("holds all that was answered before, whole, while the engine goes on", async () => {
    const folder = temporaryFolder();
    const { engine, client } = await openEngine({ file: join(folder, "engine.db") });
    const input = ["x".repeat(20_000)];
    for (let n = 0; n < 150; n++) await client.started("t", "q", { activity_id: `before-${n}`, input });
    const copies: Promise<void>[] = [];
    const during: Promise<unknown>[] = [];
    for (let copy = 0; copy < 3; copy++) {
      copies.push(engine.backup(join(folder, `copy-${copy}.db`)));
      for (let n = 0; n < 40; n++) during.push(client.started("t", "q", { activity_id: `during-${copy}-${n}`, input }));
    }
    await Promise.all([...copies, ...during]);
    for (let copy = 0; copy < 3; copy++) {
      const file = join(folder, `copy-${copy}.db`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const ids = await idsIn(file);
      for (let n = 0; n < 150; n++) expect(ids.has(`before-${n}`)).toBe(true);
    }
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
    // The log is written back again as before.
    for (let n = 0; n < 150; n++) await client.started("t", "q", { activity_id: `after-${n}`, input });
    expect(statSync(join(folder, "engine.db-wal")).size).toBeLessThan(12_000_000);
  });

  it("leaves the file locked for other processes", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const { engine, client } = await openEngine({ file });
    await client.started("t", "q");
    await engine.backup(join(folder, "copy.db"));
    await expect(ChildEngine.start({ file })).rejects.toThrow("file_in_use");
  });

  it("overwrites a file only when it is told to", async () => {
    const folder = temporaryFolder();
    const copy = join(folder, "copy.db");
    const { engine, client } = await openEngine({ file: join(folder, "engine.db") });
    await client.started("t", "q", { activity_id: "a" });
    writeFileSync(copy, "precious");
    await expect(engine.backup(copy)).rejects.toMatchObject({ code: "file_exists" });
    expect(readFileSync(copy, "utf8")).toBe("precious");
    await engine.backup(copy, { overwrite: true });
    expect(await idsIn(copy)).toEqual(new Set(["a"]));
  });

  it("is made of an engine in memory too", async () => {
    const copy = join(temporaryFolder(), "it's a copy.db");
    const { engine, client } = await openEngine();
    await client.started("t", "q", { activity_id: "a" });
    await engine.backup(copy);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(await idsIn(copy)).toEqual(new Set(["a"]));
  });

  it("says why it cannot be made, and leaves nothing behind", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const { engine } = await openEngine({ file });
    await expect(engine.backup(join(folder, "none", "copy.db"))).rejects.toMatchObject({ code: "file_unusable" });
    await expect(engine.backup(file)).rejects.toThrow("must not be the engine's own");
    await expect(engine.backup("")).rejects.toThrow(TypeError);
    await expect(engine.backup(join(folder, "x.db"), { overWrite: true } as never)).rejects.toThrow("backup.overWrite");
    const copying = engine.backup(join(folder, "late.db"));
    await Promise.all([engine.close(), expect(copying).rejects.toMatchObject({ code: "closed" })]);
    await expect(engine.backup(join(folder, "later.db"))).rejects.toMatchObject({ code: "closed" });
    expect(readdirSync(folder)).toEqual(["engine.db"]);
  });
});

describe("commits that were acknowledged and are gone", () => {
  async function killed(): Promise<string> {
    const file = join(temporaryFolder(), "engine.db");
    const engine = await ChildEngine.start({ file });
    for (let n = 0; n < 12; n++) await engine.client.started("t", "q", { activity_id: `a${n}` });
    await engine.kill();
    return file;
  }

  async function warningsAt(file: string): Promise<unknown[]> {
    const warnings: unknown[] = [];
    const warn = (fields: unknown, message: string): void => {
      warnings.push([fields, message]);
    };
    await createLocalEngine({ file, logger: { info() {}, warn, error() {} } }).close();
    return warnings;
  }

  it("are told of when the log is gone", async () => {
    const file = await killed();
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    writeFileSync(`${file}-wal`, "");
    const [warning] = await warningsAt(file);
    expect(warning).toEqual([{ file, missingCommits: expect.any(Number) }, expect.stringContaining("are missing")]);
    // Once: from here on the file counts as it is.
    expect(await warningsAt(file)).toEqual([]);
    expect(existsSync(`${file}-commits`)).toBe(false);
  });

  it("are told of when its end is damaged, and how many they are", async () => {
    const file = await killed();
    const wal = readFileSync(`${file}-wal`);
    // A part of the last commit's frames.
    wal.fill(0x5a, wal.length - 2000);
    writeFileSync(`${file}-wal`, wal);
    expect(await warningsAt(file)).toEqual([[{ file, missingCommits: 1 }, expect.any(String)]]);
  });

  it("are none after a kill, a clean end, or a copy in another place", async () => {
    const file = await killed();
    const engine = createLocalEngine({ file });
    cleanUp(() => engine.close());
    const copy = join(temporaryFolder(), "copy.db");
    await engine.backup(copy);
    expect(await warningsAt(copy)).toEqual([]);
    await engine.close();
    expect(await warningsAt(file)).toEqual([]);
  });
});
