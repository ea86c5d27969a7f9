import { constants } from "node:fs";
import { copyFile, open, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LocalEngineError } from "../errors.js";
import type { Store } from "../store/store.js";
import { codeOf, type PayloadBytes, PayloadBytesError } from "./bytes.js";
import { FileBytes, flushFolder } from "./file-bytes.js";

export interface BackupParts {
  readonly store: Store;
  /** Where the engine itself keeps payloads. What lies in a storage driver is left there: the copy refers to it too. */
  readonly own: PayloadBytes;
  /** The folder of payloads; undefined where they are in memory. */
  readonly source: string | undefined;
  /** The folder of the copy's payloads. */
  readonly target: string;
}

/**
 * Copies a database, and beside it the payloads that the copy names: they are whole before the copy has its name. While this
 * runs no payload may be removed.
 *
 * @throws {LocalEngineError} as `Store.backup`
 */
export async function backupWithPayloads(
  parts: BackupParts,
  target: string,
  { overwrite }: { readonly overwrite: boolean },
): Promise<void> {
  const { store } = parts;
  const copied = new Set<string>();
  let isOurs = false;
  try {
    await store.backup(target, {
      overwrite,
      beside: async (refuseIfStopped) => {
        const isFree = (await entries(parts.target)).length === 0;
        if (!isFree && !overwrite) throw taken(parts.target);
        isOurs = isFree;
        // All that the copy names, and what came since: nothing is removed meanwhile.
        const locations = [...store.payloads.locations()].filter((location) => parts.own.owns(location));
        for (const location of locations) {
          refuseIfStopped();
          if (await copyOne(parts, location)) copied.add(location);
        }
        for (const shard of new Set(locations.map((location) => location.slice(0, 2)))) {
          await flushFolder(join(parts.target, shard)).catch(ignoreMissing);
        }
        if (copied.size > 0) await flushFolder(parts.target);
      },
    });
  } catch (error) {
    if (isOurs) await rm(parts.target, { recursive: true, force: true });
    throw error;
  }
  // What an earlier copy under this name had.
  const files = new FileBytes(parts.target);
  for await (const { location, isPartial } of files.found()) {
    if (isPartial) await files.removePartial(location);
    else if (!copied.has(location)) await files.remove(location);
  }
}

/** False for a payload whose bytes are gone: the copy is as it is with them. */
async function copyOne({ own, source, target, store }: BackupParts, location: string): Promise<boolean> {
  const copies = new FileBytes(target);
  const to = copies.pathOf(location);
  const partial = `${to}.partial`;
  await copies.makeFolderOf(to);
  try {
    if (source === undefined) await writeBytes(own, store, location, partial);
    else {
      const from = new FileBytes(source).pathOf(location);
      const { size, mtime } = await stat(from);
      // A file is never written again under its name: one that is there is the same.
      if (await isSame(to, size, mtime)) return true;
      await copyFile(from, partial, constants.COPYFILE_FICLONE);
      await utimes(partial, mtime, mtime);
    }
  } catch (error) {
    await rm(partial, { force: true });
    if (codeOf(error) === "ENOENT") return false;
    if (error instanceof PayloadBytesError && error.fault === "missing") return false;
    throw error;
  }
  const file = await open(partial, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, to);
  return true;
}

async function writeBytes(own: PayloadBytes, store: Store, location: string, path: string): Promise<void> {
  const payload = store.payloads.at(location);
  if (payload === undefined) throw new PayloadBytesError("missing", undefined);
  const opened = await own.open(location, payload);
  await writeFile(path, opened.read(), { mode: 0o600 });
}

async function isSame(path: string, size: number, mtime: Date): Promise<boolean> {
  try {
    const there = await stat(path);
    return there.size === size && Math.abs(there.mtimeMs - mtime.getTime()) < 2;
  } catch {
    return false;
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    ignoreMissing(error);
    return [];
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}

function taken(folder: string): LocalEngineError {
  return new LocalEngineError(
    "file_exists",
    `${folder}, where the payloads of the backup go, is there already: name another file, or set overwrite`,
  );
}
