import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { ChildEngine } from "@durable-workflow/test-support/child-engine";
import type { Json } from "@durable-workflow/test-support/engine-client";
import { until } from "@durable-workflow/test-support/patience";
import {
  blobOf,
  declared,
  envelopeOf,
  fetched,
  payloadRequest,
  sha256,
  upload,
  uploaded,
} from "@durable-workflow/test-support/payloads";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { cleanUp, openEngine, temporaryFolder } from "./support/engine.js";

const MB = 1_048_576;
const KILLED_IN_PUT = fileURLToPath(new URL("support/killed-in-put.mjs", import.meta.url));

function filesOf(file: string): readonly string[] {
  const folder = `${file}-payloads`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((shard) =>
    readdirSync(join(folder, shard)).map((name) => join(folder, shard, name)),
  );
}

describe("an engine that is killed", () => {
  it("has all that it acknowledged, names nothing that is not there, and leaves nothing behind after its time", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const options = { file, longPollSeconds: 1, payloads: { abandonedUploadSeconds: 5 } };
    const acknowledged = new Map<string, Json>();
    const completed = new Map<string, Json>();
    for (let round = 0; round < 10; round++) {
      const engine = await ChildEngine.start(options);
      const { client } = engine;
      const { url } = client;
      const work = async (worker: number): Promise<void> => {
        try {
          await client.register(`w${worker}`, `q${worker}`, ["t"]);
          for (let n = 0; ; n++) {
            const id = `a-${round}-${worker}-${n}`;
            const input = await uploaded(url, blobOf(20_000 + worker * 300_000));
            const started = await client.start("t", `q${worker}`, { activity_id: id, input: envelopeOf(input) });
            if (started.status !== 201) continue;
            acknowledged.set(id, input);
            const held = await client.take(`w${worker}`, `q${worker}`);
            if (held === undefined) continue;
            const result = await uploaded(url, blobOf(30_000));
            const { status } = await client.report("complete", held, { result: envelopeOf(result) });
            if (status === 200) completed.set(held.task.workflow_id, result);
          }
        } catch {
          // The engine is dead.
        }
      };
      const workers = Array.from({ length: 4 }, (_, worker) => work(worker));
      // However slow the machine is: each life of the engine gets as far as a result.
      const before = completed.size;
      await until(() => completed.size > before, "a result");
      await sleep((round * 37) % 150);
      await engine.kill();
      await Promise.all(workers);
    }
    const engine = await ChildEngine.start(options);
    const { client } = engine;
    expect(acknowledged.size).toBeGreaterThan(10);
    expect(completed.size).toBeGreaterThan(5);
    for (const [id, reference] of acknowledged) {
      const described = await client.describe(id);
      expect(described.activity_id).toBe(id);
      const input = await fetched(client.url, reference);
      expect([input.status, sha256(input.bytes)]).toEqual([200, reference.sha256]);
      if (!completed.has(id)) continue;
      expect(described.result).toEqual(envelopeOf(completed.get(id)));
      const result = await fetched(client.url, completed.get(id));
      expect([result.status, sha256(result.bytes)]).toEqual([200, completed.get(id).sha256]);
    }
    await engine.stop();
    // Past the time of what nobody named: an engine that opens then removes it, and all that was half-written.
    await sleep(5500);
    const last = await ChildEngine.start(options);
    const named = new Set<string>();
    for (let token: string | null = ""; token !== null; ) {
      const { body }: Json = await last.client.call("GET", `/api/activities?page_size=200&next_page_token=${token}`);
      for (const { activity_id: id } of body.activities) {
        const [start] = await last.client.history(id);
        named.add(start.payload.command.payload.external_payload.sha256);
        const { result } = await last.client.describe(id);
        if (result !== null) named.add(result.external_payload.sha256);
      }
      token = body.next_page_token;
    }
    const found = (): readonly string[] => filesOf(file).map((path) => sha256(readFileSync(path)));
    await until(() => found().length <= named.size, "the end of what nobody named", 100);
    expect(new Set(found())).toEqual(named);
    await last.stop();
  });

  it("between file and row, and in the middle of an upload, keeps neither", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const first = await ChildEngine.start({ file });
    const bytes = Buffer.alloc(4 * MB, "half");
    const socket = connect(Number(new URL(first.client.url).port), "127.0.0.1");
    const head = {
      ...declared(bytes),
      "Content-Type": "application/octet-stream",
      "Content-Length": String(bytes.length),
    };
    socket.write(
      `POST /api/external-payloads/v1 HTTP/1.1\r\nHost: localhost\r\nX-Durable-Workflow-Protocol-Version: 1.20\r\n${Object.entries(
        head,
      )
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")}\r\n`,
    );
    socket.on("error", () => {});
    socket.write(bytes.subarray(0, 2 * MB));
    await until(() => filesOf(file).length > 0, "the file");
    expect(filesOf(file)[0]).toMatch(/\.partial$/);
    await first.kill();
    // As a kill between the two would leave it: a whole file that no row speaks of.
    const shard = join(`${file}-payloads`, "00");
    mkdirSync(shard, { recursive: true });
    appendFileSync(join(shard, "f".repeat(30)), "whole");
    const second = await ChildEngine.start({ file });
    await until(() => filesOf(file).length === 0, "the end of the files");
    expect(filesOf(file)).toEqual([]);
    expect((await upload(second.client.url, bytes)).status).toBe(201);
    await second.stop();
  });
});

describe("an engine with a storage driver that is killed", () => {
  it.each(["before", "after"])(
    "%s the object is stored, and before its row is, leaves no object behind",
    async (when) => {
      const folder = temporaryFolder();
      const [file, root] = [join(folder, "engine.db"), join(folder, "store")];
      const objects = (): number =>
        existsSync(root)
          ? readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length
          : 0;
      const child = spawn(process.execPath, [KILLED_IN_PUT, file, root, when], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [port] = (await once(child.stdout, "data")) as [Buffer];
      const exited = once(child, "exit");
      await expect(upload(`http://127.0.0.1:${Number(port.toString())}`, "left behind")).rejects.toThrow();
      await exited;
      expect(objects()).toBe(when === "after" ? 1 : 0);
      const storage = new LocalFilesystemExternalStorage({ root });
      const engine = createLocalEngine({ file, payloads: { storage } });
      const { url } = await engine.listen();
      await until(() => objects() === 0, "the end of the objects");
      expect(objects()).toBe(0);
      const reference = await uploaded(url, "left behind");
      expect((await fetched(url, reference)).bytes.toString()).toBe("left behind");
      expect(objects()).toBe(1);
    },
  );

  it("keeps what was uploaded after that", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const inner = new LocalFilesystemExternalStorage({ root: join(folder, "store") });
    let isDown = true;
    const storage = {
      scheme: "file",
      uriFor: (object: { readonly sha256: string; readonly codec: string }) => inner.uriFor(object),
      async put(...put: Parameters<typeof inner.put>) {
        const uri = await inner.put(...put);
        // The answer is lost on its way.
        if (isDown) throw new Error("no answer");
        return uri;
      },
      get: (...get: Parameters<typeof inner.get>) => inner.get(...get),
      delete: (uri: string) => inner.delete(uri),
    };
    const { url, clock } = await openEngine({ file, payloads: { storage } });
    expect((await upload(url, "twice")).status).toBe(503);
    isDown = false;
    const reference = await uploaded(url, "twice");
    expect((await upload(url, "other")).status).toBe(201);
    for (let n = 0; n < 5; n++) await clock.advance(60_000);
    expect((await fetched(url, reference)).bytes.toString()).toBe("twice");
  });
});

describe("a client that goes away in the middle", () => {
  it("of an upload leaves nothing behind, and others go on", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { url } = await openEngine({ file, payloads: { namespaceObjects: 2 } });
    const aborts = new AbortController();
    const bytes = Buffer.alloc(MB);
    const request = payloadRequest(url, "/api/external-payloads/v1", {
      bytes: bytes.subarray(0, 1000),
      headers: { ...declared(bytes), "Content-Length": String(bytes.length) },
      signal: aborts.signal,
    });
    await until(() => filesOf(file).length > 0, "the file");
    expect(filesOf(file)).toHaveLength(1);
    aborts.abort();
    await expect(request).rejects.toThrow();
    await until(() => filesOf(file).length === 0, "the end of the file");
    expect(filesOf(file)).toEqual([]);
    // The room that was held for it is free again.
    await Promise.all([uploaded(url, "one"), uploaded(url, "two")]);
  });
});

describe("many large payloads at once", () => {
  it("go in and out in bounded memory", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const engine = await ChildEngine.start({ file });
    const { url } = engine.client;
    const peak = (): number =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1]) * 1024;
    if (!existsSync(`/proc/${engine.pid}/status`)) {
      // oxlint-disable-next-line no-console -- the reason why nothing is measured
      console.log("no /proc here: the memory of a process is not measured");
      await engine.stop();
      return;
    }
    await uploaded(url, "warm");
    const before = peak();
    const bytes = Array.from({ length: 50 }, (_, n) => Buffer.alloc(8 * MB, `payload ${n} `));
    const references = await Promise.all(bytes.map((one) => uploaded(url, one)));
    await Promise.all(
      references.map(async (reference) => {
        const { bytes: back } = await fetched(url, reference);
        expect(sha256(back)).toBe(reference.sha256);
      }),
    );
    const grown = peak() - before;
    expect(grown).toBeLessThan(160 * MB);
    await engine.stop();
  });
});

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
}

/** A file system of its own. */
function smallDisk(size: string): string {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]).status !== 0) {
    throw new Error("mount failed after it had succeeded");
  }
  cleanUp(() => spawnSync("umount", ["--lazy", folder]));
  return folder;
}

function fillUp(file: string): void {
  try {
    for (;;) appendFileSync(file, Buffer.alloc(4096));
  } catch {
    // Now it is full.
  }
}

if (!canMount()) {
  it.skip("a full disk cannot be made here: mounting a small file system needs root on Linux", () => undefined);
} else {
  describe("a full disk", () => {
    it("refuses uploads with 503 at every step, leaves nothing behind, and takes them once there is room", async () => {
      const folder = smallDisk("6m");
      const file = join(folder, "engine.db");
      const { url, client } = await openEngine({ file });
      const kept = await uploaded(url, "kept");
      // While the bytes are written.
      const large = await upload(url, Buffer.alloc(8 * MB));
      expect([large.status, large.body.reason, large.body.retryable]).toEqual([
        503,
        "external_payload_unavailable",
        true,
      ]);
      expect(filesOf(file)).toHaveLength(1);
      // When the file, its folder or the row is made: with a few pages left, and then with none.
      const ballast = join(folder, "ballast");
      fillUp(ballast);
      const small: number[] = [];
      for (let n = 0; n < 60; n++) small.push((await upload(url, `payload ${n} `.repeat(300))).status);
      expect(small.at(-1)).toBe(503);
      expect(new Set(small)).toEqual(new Set(small.includes(201) ? [201, 503] : [503]));
      expect(filesOf(file)).toHaveLength(1 + small.filter((status) => status === 201).length);
      // What is there can be read all the while, and what is refused can be sent again.
      expect((await fetched(url, kept)).bytes.toString()).toBe("kept");
      rmSync(ballast);
      const reference = await uploaded(url, "payload 59 ".repeat(300));
      expect((await client.start("t", "q", { input: envelopeOf(reference) })).status).toBe(201);
    });

    it("of the database alone: the file goes again when its row cannot be written", async () => {
      const folder = smallDisk("2m");
      const file = join(folder, "engine.db");
      const elsewhere = join(temporaryFolder(), "payloads");
      mkdirSync(elsewhere);
      spawnSync("ln", ["-s", elsewhere, `${file}-payloads`]);
      const { url } = await openEngine({ file });
      fillUp(join(folder, "ballast"));
      const statuses: number[] = [];
      for (let n = 0; n < 40; n++) statuses.push((await upload(url, `payload ${n}`)).status);
      expect(statuses.at(-1)).toBe(503);
      expect(filesOf(file)).toHaveLength(statuses.filter((status) => status === 201).length);
      rmSync(join(folder, "ballast"));
    });
  });
}
