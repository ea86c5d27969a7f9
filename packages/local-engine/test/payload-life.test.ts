import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { Client } from "@durable-workflow/test-support/engine-client";
import { until as untilItHolds } from "@durable-workflow/test-support/patience";
import { blobOf, envelopeOf, fetched, upload, uploaded } from "@durable-workflow/test-support/payloads";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { cleanUp, openEngine, temporaryFolder } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The files of an engine's payloads, half-written ones too. */
function filesOf(file: string): readonly string[] {
  const folder = `${file}-payloads`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((shard) =>
    readdirSync(join(folder, shard)).map((name) => join(folder, shard, name)),
  );
}

/** Moves on until something is so: sweeps read and remove files beside the clock's own time. */
async function until(clock: FakeClock, isSo: () => unknown): Promise<void> {
  let minutes = 0;
  const movesOn = async (): Promise<boolean> => {
    if (await isSo()) return true;
    if (minutes++ < 200) await clock.advance(MINUTE_MS);
    return false;
  };
  await untilItHolds(movesOn, "that", 5);
}

describe("an upload that nobody names", () => {
  it("is removed when its time has passed, answered 410, and comes back under its reference", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { url, clock, client } = await openEngine({ file });
    const reference = await uploaded(url, "abandoned");
    await clock.advance(DAY_MS - MINUTE_MS);
    expect((await fetched(url, reference)).status).toBe(200);
    await until(clock, () => filesOf(file).length === 0);
    const gone = await fetched(url, reference);
    expect([gone.status, gone.body.reason, gone.body.retryable]).toEqual([410, "external_payload_expired", false]);
    const start = await client.start("t", "q", { input: envelopeOf(reference) });
    expect([start.status, start.body.reason]).toEqual([410, "external_payload_expired"]);
    expect(await uploaded(url, "abandoned")).toEqual(reference);
    expect((await fetched(url, reference)).status).toBe(200);
  });

  it("stays as long again when it is uploaded again", async () => {
    const { url, clock } = await openEngine({ payloads: { abandonedUploadSeconds: 600 } });
    const reference = await uploaded(url, "twice");
    await clock.advance(8 * MINUTE_MS);
    await uploaded(url, "twice");
    await clock.advance(8 * MINUTE_MS);
    expect((await fetched(url, reference)).status).toBe(200);
    await until(clock, async () => (await fetched(url, reference)).status === 410);
  });

  it("gives its room back", async () => {
    const { url, clock } = await openEngine({ payloads: { namespaceBytes: 10, abandonedUploadSeconds: 60 } });
    await uploaded(url, "0123456789");
    expect((await upload(url, "abcdefghij")).status).toBe(429);
    await until(clock, async () => (await upload(url, "abcdefghij")).status === 201);
  });

  it("is forgotten a week after it was removed", async () => {
    const { url, clock } = await openEngine({ payloads: { abandonedUploadSeconds: 60 } });
    const reference = await uploaded(url, "forgotten");
    await until(clock, async () => (await fetched(url, reference)).status === 410);
    clock.jump(8 * DAY_MS);
    await until(clock, async () => (await fetched(url, reference)).status === 404);
  });

  it("goes neither earlier nor later for a wall clock that is set", async () => {
    class SettableClock extends FakeClock {
      step = 0;
      override now(): number {
        return super.now() + this.step;
      }
      monotonic(): number {
        return super.now();
      }
    }
    const clock = new SettableClock();
    const { url } = await openEngine({ clock, payloads: { abandonedUploadSeconds: 3600 } });
    const [forward, back] = [await uploaded(url, "forward"), await uploaded(url, "back")];
    for (const step of [2 * DAY_MS, -2 * DAY_MS]) {
      clock.step += step;
      await clock.advance(5 * MINUTE_MS);
      await sleep(10);
    }
    expect([(await fetched(url, forward)).status, (await fetched(url, back)).status]).toEqual([200, 200]);
    clock.step -= 2 * DAY_MS;
    await clock.advance(60 * MINUTE_MS);
    await sleep(10);
    await clock.advance(2 * MINUTE_MS);
    await expect.poll(async () => (await fetched(url, forward)).status).toBe(410);
  });
});

describe("a payload that runs name", () => {
  it("stays for ever without retention", async () => {
    const { url, client, clock } = await openEngine();
    const reference = await uploaded(url, "kept");
    await client.started("t", "q", { input: envelopeOf(reference) });
    for (let day = 0; day < 3; day++) {
      await clock.advance(DAY_MS);
      await sleep(5);
    }
    expect((await fetched(url, reference)).status).toBe(200);
  });

  it("goes with the last of them", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { url, client, clock } = await openEngine({ file, retentionSeconds: 3600, longPollSeconds: 0 });
    const input = envelopeOf(await uploaded(url, "shared"));
    const result = envelopeOf(await uploaded(url, "result"));
    const details = envelopeOf(await uploaded(url, "details"));
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "first", input });
    await client.report("complete", (await client.take("w", "q"))!, { result });
    await client.started("t", "q", { activity_id: "failed" });
    await client.report("fail", (await client.take("w", "q"))!, { failure: { message: "no", details } });
    await client.started("t", "q", { activity_id: "second", input });
    await until(clock, async () => (await client.call("GET", "/api/activities/first")).status === 404);
    await until(clock, () => filesOf(file).length === 1);
    expect((await fetched(url, input.external_payload)).status).toBe(200);
    expect((await fetched(url, result.external_payload)).status).toBe(410);
    expect((await fetched(url, details.external_payload)).status).toBe(410);
    await client.report("complete", (await client.take("w", "q"))!, { result: 1 });
    await until(clock, () => filesOf(file).length === 0);
    expect((await fetched(url, input.external_payload)).status).toBe(410);
  });

  it("is not claimed by a report that was refused", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { url, client, clock } = await openEngine({ file });
    const result = envelopeOf(await uploaded(url, "late"));
    await client.register("w", "q", ["t"]);
    await client.started("t", "q");
    const held = await client.take("w", "q");
    expect((await client.report("complete", held!, { result: 1 })).status).toBe(200);
    expect((await client.report("complete", held!, { result })).status).toBe(409);
    await clock.advance(DAY_MS);
    await until(clock, () => filesOf(file).length === 0);
  });
});

describe("bytes on the disk", () => {
  it.each([
    ["altered", (path: string): void => writeFileSync(path, "the bytez"), 422, "integrity_mismatch"],
    ["cut", (path: string): void => truncateSync(path, 3), 422, "integrity_mismatch"],
    ["longer", (path: string): void => appendFileSync(path, "x"), 422, "integrity_mismatch"],
    ["gone", (path: string): void => rmSync(path), 404, "not_found"],
  ])(
    "that are %s are never given out; told of in the log, and mended by an upload",
    async (_, harm, status, reason) => {
      const file = join(temporaryFolder(), "engine.db");
      const errors: string[] = [];
      const logger = { info() {}, warn() {}, error: (_fields: unknown, message: string) => errors.push(message) };
      const { url, client } = await openEngine({ file, logger });
      const reference = await uploaded(url, "the bytes");
      await client.started("t", "q", { activity_id: "a", input: envelopeOf(reference) });
      const [path = ""] = filesOf(file);
      harm(path);
      const answer = await fetched(url, reference);
      expect([answer.status, answer.body.reason]).toEqual([status, `external_payload_${reason}`]);
      expect(errors).toEqual([expect.stringContaining("uploading the same again mends it")]);
      const named = await client.start("t", "q", { input: envelopeOf(reference) });
      expect([named.status, named.body.reason]).toEqual([404, "external_payload_not_found"]);
      expect(await uploaded(url, "the bytes")).toEqual(reference);
      expect((await fetched(url, reference)).bytes.toString()).toBe("the bytes");
      expect((await client.start("t", "q", { input: envelopeOf(reference) })).status).toBe(201);
      expect(filesOf(file)).toHaveLength(1);
    },
  );

  it("that nobody knows of, or that were half-written, go at the next opening; missing ones are counted", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const first = createLocalEngine({ file });
    const { url } = await first.listen();
    await uploaded(url, "one");
    const reference = await uploaded(url, "two");
    await first.close();
    const one = filesOf(file).find((path) => readFileSync(path, "utf8") === "one") ?? "";
    rmSync(one);
    const shard = join(`${file}-payloads`, readdirSync(`${file}-payloads`)[0] ?? "");
    writeFileSync(join(shard, "0".repeat(30)), "orphan");
    writeFileSync(join(shard, `${"1".repeat(30)}.partial`), "half");
    writeFileSync(join(shard, "README"), "somebody else's");
    const warnings: unknown[] = [];
    const warn = (fields: unknown): unknown => warnings.push(fields);
    const second = createLocalEngine({ file, logger: { info() {}, warn, error() {} } });
    cleanUp(() => second.close());
    const opened = await second.listen();
    await untilItHolds(() => filesOf(file).length === 2 && warnings.length > 0, "the sweep", 20);
    expect(
      filesOf(file)
        .map((path) => readFileSync(path, "utf8"))
        .toSorted(),
    ).toEqual(["somebody else's", "two"]);
    expect(warnings).toEqual([{ folder: `${file}-payloads`, missingPayloads: 1 }]);
    expect((await fetched(opened.url, reference)).bytes.toString()).toBe("two");
  });
});

describe("in a storage driver", () => {
  it("payloads lie in its store alone, are read from there, and go with their time", async () => {
    const folder = temporaryFolder();
    const root = join(folder, "store");
    const file = join(folder, "engine.db");
    const storage = new LocalFilesystemExternalStorage({ root });
    const { url, client, clock } = await openEngine({ file, namespaces: ["other"], payloads: { storage } });
    const blob = blobOf(400_000);
    const reference = await uploaded(url, blob);
    expect(JSON.stringify(reference)).not.toContain(root);
    expect((await fetched(url, reference)).bytes.toString()).toBe(blob);
    const other = await uploaded(url, blob, { namespace: "other" });
    await client.started("t", "q", { input: envelopeOf(reference) });
    expect(existsSync(`${file}-payloads`)).toBe(false);
    const objects = (): number =>
      readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length;
    // One object for both namespaces: it stays while either has it.
    expect(objects()).toBe(1);
    await clock.advance(DAY_MS);
    await until(clock, async () => (await fetched(url, other, { namespace: "other" })).status === 410);
    expect((await fetched(url, reference)).status).toBe(200);
    const late = await uploaded(url, "late");
    expect(objects()).toBe(2);
    await clock.advance(DAY_MS);
    await until(clock, async () => (await fetched(url, late)).status === 410);
    await until(clock, () => objects() === 1);
  });

  it("that fails, an upload is answered 503, and a fetch too; nothing is written down", async () => {
    let isDown = false;
    const inner = new LocalFilesystemExternalStorage({ root: join(temporaryFolder(), "store") });
    const check = (): void => {
      if (isDown) throw new Error("the store is down, and its address is secret.example");
    };
    const storage = {
      scheme: "file",
      async put(...put: Parameters<typeof inner.put>) {
        check();
        return inner.put(...put);
      },
      async get(...get: Parameters<typeof inner.get>) {
        check();
        return inner.get(...get);
      },
      async delete(uri: string) {
        check();
        return inner.delete(uri);
      },
    };
    const { url } = await openEngine({ payloads: { storage } });
    const reference = await uploaded(url, "before");
    isDown = true;
    for (const answer of [await upload(url, "during"), await fetched(url, reference)]) {
      expect([answer.status, answer.body.reason, answer.body.retryable, answer.headers["retry-after"]]).toEqual([
        503,
        "external_payload_unavailable",
        true,
        "5",
      ]);
      expect(JSON.stringify(answer.body)).not.toContain("secret.example");
    }
    isDown = false;
    expect((await fetched(url, reference)).status).toBe(200);
    await uploaded(url, "during");
  });

  it("payloads of an engine that kept files before, or has no driver any more, are read, or said to be unavailable", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const storage = new LocalFilesystemExternalStorage({ root: join(folder, "store") });
    const references: object[] = [];
    for (const payloads of [{}, { storage }, {}]) {
      const engine = createLocalEngine({ file, payloads });
      const { url } = await engine.listen();
      const statuses: number[] = [];
      for (const one of references) statuses.push((await fetched(url, one)).status);
      const expected = [[], [200], [200, 503]][references.length];
      expect(statuses).toEqual(expected);
      references.push(await uploaded(url, `payload ${references.length}`));
      await engine.close();
    }
  });
});

describe("a backup", () => {
  it("has the payloads that it names, for its owner alone, while uploads go on", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const copy = join(folder, "copy.db");
    const { engine, url, client } = await openEngine({ file });
    const inputs: string[] = [];
    for (let n = 0; n < 20; n++) {
      const blob = blobOf(200_000);
      inputs.push(blob);
      await client.started("t", "q", { activity_id: `a${n}`, input: envelopeOf(await uploaded(url, blob)) });
    }
    const during = Array.from({ length: 20 }, (_, n) => uploaded(url, `during ${n}`));
    await Promise.all([engine.backup(copy), ...during]);
    const second = createLocalEngine({ file: copy });
    cleanUp(() => second.close());
    const opened = await second.listen();
    const copied = new Client(opened.url);
    await copied.register("w", "q", ["t"]);
    for (let n = 0; n < 20; n++) {
      const held = await copied.take("w", "q");
      const { bytes } = await fetched(opened.url, held?.task.arguments.external_payload);
      expect(bytes.toString()).toBe(inputs[Number(held?.task.workflow_id.slice(1))]);
    }
    expect(filesOf(copy).length).toBeGreaterThanOrEqual(20);
  });

  it("over an older one takes its place, payloads too, and refuses what it was not told to replace", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "engine.db");
    const copy = join(folder, "copy.db");
    const { engine, url, clock } = await openEngine({ file, payloads: { abandonedUploadSeconds: 60 } });
    const old = await uploaded(url, "old");
    await engine.backup(copy);
    await expect(engine.backup(copy)).rejects.toMatchObject({ code: "file_exists" });
    await until(clock, async () => (await fetched(url, old)).status === 410);
    await uploaded(url, "new");
    await engine.backup(copy, { overwrite: true });
    expect(filesOf(copy).map((path) => readFileSync(path, "utf8"))).toEqual(["new"]);
    rmSync(copy);
    await expect(engine.backup(copy)).rejects.toMatchObject({
      code: "file_exists",
      message: expect.stringContaining("copy.db-payloads"),
    });
    expect(existsSync(copy)).toBe(false);
  });

  it("of an engine in memory has them too", async () => {
    const copy = join(temporaryFolder(), "copy.db");
    const { engine, url } = await openEngine();
    const reference = await uploaded(url, "from memory");
    await engine.backup(copy);
    const second = createLocalEngine({ file: copy });
    cleanUp(() => second.close());
    expect((await fetched((await second.listen()).url, reference)).bytes.toString()).toBe("from memory");
  });
});
