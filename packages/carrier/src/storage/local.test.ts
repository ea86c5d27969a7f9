import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { itStoresPayloads } from "../../test/support/storage-contract.js";
import { BLOB, BLOB_BYTES, referenceTo, sha256 } from "../../test/support/stored-payloads.js";
import { LocalFilesystemExternalStorage } from "./local.js";
import { fetchExternalPayload, storeExternalPayload } from "./transfer.js";

let folder: string;
let root: string;
let driver: LocalFilesystemExternalStorage;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "carrier-local-storage-"));
  root = join(folder, "payloads");
  driver = new LocalFilesystemExternalStorage({ root, prefix: "/billing/" });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const get = (uri: string) => driver.get(uri, { sizeBytes: BLOB_BYTES.length });
const put = (data: Uint8Array) => driver.put(data, { sha256: sha256(data), codec: "avro" });

itStoresPayloads(() => ({
  driver,
  base: `${pathToFileURL(root).href}/billing/`,
  async overwrite(uri, data) {
    await mkdir(dirname(fileURLToPath(uri)), { recursive: true });
    await writeFile(fileURLToPath(uri), data);
  },
}));

it.runIf(existsSync("/proc/self"))("a root that cannot be made is told, and nothing goes on for ever", async () => {
  const nowhere = new LocalFilesystemExternalStorage({ root: "/proc/dw-none/below" });
  await expect(nowhere.put(BLOB_BYTES, { sha256: sha256(BLOB_BYTES), codec: "avro" })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("ENOENT"),
  });
});

describe("files", () => {
  it("are readable by their owner only, and so are their folders", async () => {
    const path = fileURLToPath(await put(BLOB_BYTES));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (const levels of ["..", "../..", "../../..", "../../../.."]) {
      expect(statSync(join(path, levels)).mode & 0o777).toBe(0o700);
    }
  });

  it("appear whole: nothing else is left beside them, after a failure either", async () => {
    const uri = await put(new TextEncoder().encode("whole"));
    const path = fileURLToPath(uri);
    const aborted = AbortSignal.timeout(1);
    const many = Array.from({ length: 20 }, (_, index) => new Uint8Array(4_000_000).fill(index));
    await Promise.allSettled(
      many.map((data) => driver.put(data, { sha256: sha256("whole"), codec: "avro", signal: aborted })),
    );
    // A write that lost its caller finishes its clean-up on its own.
    await expect.poll(() => readdirSync(dirname(path))).toEqual([sha256("whole")]);
  });

  it("that were there before are kept, made young, and mended when they are broken", async () => {
    const data = new TextEncoder().encode("there before");
    const path = fileURLToPath(await put(data));
    const { ino } = statSync(path);
    execFileSync("touch", ["-d", "2020-01-01", path]);
    await put(data);
    expect(statSync(path).ino).toBe(ino);
    expect(statSync(path).mtimeMs).toBeGreaterThan(Date.now() - 60_000);

    writeFileSync(path, "there bef0re");
    const uri = await put(data);
    await expect(driver.get(uri, { sizeBytes: data.length })).resolves.toEqual(data);
    rmSync(path);
    symlinkSync(join(folder, "elsewhere"), path);
    await put(data);
    await expect(driver.get(uri, { sizeBytes: data.length })).resolves.toEqual(data);
  });

  it("of the root are read whatever their prefix", async () => {
    const other = new LocalFilesystemExternalStorage({ root: pathToFileURL(root) });
    const reference = await storeExternalPayload(other, BLOB);
    expect(reference.uri).not.toContain("/billing/");
    await expect(fetchExternalPayload(driver, reference)).resolves.toBe(BLOB);
  });
});

describe("containment", () => {
  it.each([
    ["another scheme", (base: string) => base.replace("file:", "files:")],
    ["another root", () => "file:///etc/passwd"],
    ["a root that only starts alike", (base: string) => `${base}-more/x`],
    ["the root itself", (base: string) => base],
    ["an empty last segment", (base: string) => `${base}/`],
    ["an empty segment", (base: string) => `${base}//x`],
    ["a dot", (base: string) => `${base}/./x`],
    ["two dots", (base: string) => `${base}/../payloads/x`],
    ["two encoded dots", (base: string) => `${base}/%2e%2E/payloads/x`],
    ["an encoded slash", (base: string) => `${base}/a%2Fb`],
    ["an encoded backslash", (base: string) => `${base}/a%5Cb`],
    ["a zero byte", (base: string) => `${base}/a%00b`],
    ["broken percent-encoding", (base: string) => `${base}/a%zz`],
    ["a query", (base: string) => `${base}/x?y`],
    ["a fragment", (base: string) => `${base}/x#y`],
    ["a host", (base: string) => base.replace("file://", "file://server") + "/x"],
    ["no authority", (base: string) => base.replace("file://", "file:") + "/x"],
  ])("refuses %s", async (_, change) => {
    const uri = change(pathToFileURL(root).href);
    expect(driver.accepts(uri)).toBe(false);
    await expect(get(uri)).rejects.toMatchObject({ code: "foreign_reference" });
    await expect(driver.delete(uri)).rejects.toMatchObject({ code: "foreign_reference" });
  });

  it("refuses what symbolic links lead out of the root to", async () => {
    const outside = join(folder, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), BLOB);
    mkdirSync(join(root, "links"), { recursive: true });
    symlinkSync(join(outside, "secret"), join(root, "links", "file"));
    symlinkSync(outside, join(root, "links", "folder"));
    const base = pathToFileURL(join(root, "links")).href;
    for (const name of ["file", "folder/secret"]) {
      await expect(get(`${base}/${name}`)).rejects.toMatchObject({ code: "foreign_reference" });
    }
    await expect(driver.delete(`${base}/folder/secret`)).rejects.toMatchObject({ code: "foreign_reference" });
    expect(readdirSync(outside)).toEqual(["secret"]);

    const linked = new LocalFilesystemExternalStorage({ root, prefix: "links/folder/made" });
    await expect(storeExternalPayload(linked, BLOB)).rejects.toMatchObject({ code: "foreign_reference" });
    expect(readdirSync(outside)).toEqual(["secret"]);
  });

  it("follows links that stay inside, and a root that is one", async () => {
    const reference = await storeExternalPayload(driver, BLOB);
    symlinkSync(fileURLToPath(reference.uri), join(root, "alias"));
    await expect(get(pathToFileURL(join(root, "alias")).href)).resolves.toEqual(BLOB_BYTES);

    symlinkSync(root, join(folder, "linked-root"));
    const linked = new LocalFilesystemExternalStorage({ root: join(folder, "linked-root") });
    const stored = await storeExternalPayload(linked, BLOB);
    await expect(fetchExternalPayload(linked, stored)).resolves.toBe(BLOB);
  });

  it("does not wait for pipes, and reads no folders", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    mkdirSync(join(root, "folder"), { recursive: true });
    for (const name of ["pipe", "folder"]) {
      await expect(get(pathToFileURL(join(root, name)).href)).rejects.toMatchObject({ code: "not_found" });
    }
  });
});

describe("trouble", () => {
  it("with a root that is not there is a missing payload, and one that is made when something is stored", async () => {
    const late = join(folder, "late");
    const unborn = new LocalFilesystemExternalStorage({ root: late });
    const uri = pathToFileURL(join(late, "x")).href;
    await expect(fetchExternalPayload(unborn, referenceTo(uri))).rejects.toMatchObject({ code: "not_found" });
    await unborn.delete(uri);
    const reference = await storeExternalPayload(unborn, BLOB);
    await expect(fetchExternalPayload(unborn, reference)).resolves.toBe(BLOB);
  });

  it("with a root that is a file is told without its path", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    chmodSync(file, 0o600);
    const broken = new LocalFilesystemExternalStorage({ root: file });
    const error: unknown = await storeExternalPayload(broken, BLOB).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "unavailable", message: "External storage failed to put (EEXIST)." });
  });

  it.each(["", "relative", "./x", "/", "/a/../b", "s3://bucket/x", 7, undefined])(
    "with the root %j is refused",
    (bad) => {
      expect(() => new LocalFilesystemExternalStorage({ root: bad as string })).toThrow(
        new TypeError("root must be an absolute path or a file: URL, below the root of the disk"),
      );
    },
  );

  it.each(["a//b", "../a", "a/./b", ".."])("with the prefix %j is refused", (prefix) => {
    expect(() => new LocalFilesystemExternalStorage({ root, prefix })).toThrow(/^prefix must have no empty/);
  });
});
