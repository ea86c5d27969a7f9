import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, rename, rm, utimes } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import { sizeMismatch } from "./body.js";
import { callStorage } from "./call.js";
import { sha256OfBytes } from "./digest.js";
import type { DeleteOptions, ExternalStorageDriver, GetOptions, PutOptions } from "./driver.js";
import { ExternalStorageError } from "./errors.js";
import { isPlainKey, normalizePrefix, objectKey } from "./keys.js";
import { makeFolders } from "./local-folders.js";

export { makeFolders } from "./local-folders.js";

/** How payloads are kept in files. */
export interface LocalFilesystemExternalStorageOptions {
  /** An absolute path, or a `file:` URL. Made when something is first stored. The same for all who share it. */
  readonly root: string | URL;
  /** A folder below the root that files are written to; all of the root is read. Default none. */
  readonly prefix?: string | undefined;
}

/** Read at a time; an aborted read stops between two of them. */
const CHUNK = 1024 * 1024;

const OPTION_NAMES: OptionNames<LocalFilesystemExternalStorageOptions> = {
  root: true,
  prefix: true,
};

/**
 * Payloads in files below one folder: `file:///srv/payloads/avro/ab/ab12...`. For one machine, or a disk that engine and
 * carriers share at the same path.
 *
 * A file appears whole or not at all, readable by this user only (0600, its folders 0700), and on the disk before a
 * reference to it is given out. A path that leads out of the root is refused, symbolic links included.
 */
export class LocalFilesystemExternalStorage implements ExternalStorageDriver {
  readonly scheme = "file";
  private readonly root: string;
  private readonly prefix: string;

  /** @throws {TypeError} for a root that is neither an absolute path nor a `file:` URL, and for a bad prefix */
  constructor(options: LocalFilesystemExternalStorageOptions) {
    const { root, prefix } = knownOptions(options, OPTION_NAMES, "LocalFilesystemExternalStorage");
    this.root = rootPath(root);
    this.prefix = normalizePrefix(prefix);
  }

  accepts(uri: string): boolean {
    return this.pathOf(uri) !== undefined;
  }

  uriFor(object: Pick<PutOptions, "sha256" | "codec">): string {
    return pathToFileURL(this.pathFor(object)).href;
  }

  private pathFor({ codec, sha256 }: Pick<PutOptions, "sha256" | "codec">): string {
    return join(this.root, objectKey(this.prefix, codec, sha256));
  }

  put(data: Uint8Array, { sha256, codec, signal }: PutOptions): Promise<string> {
    const path = this.pathFor({ codec, sha256 });
    return callStorage("put", signal, async () => {
      const folder = dirname(path);
      await this.makeFolder(folder);
      if (!(await isIntact(path, data.length, sha256))) await writeWhole(path, data, signal);
      // Also for a file that is there: whoever put it there may not have come that far.
      await syncFolder(folder);
      return pathToFileURL(path).href;
    });
  }

  get(uri: string, { sizeBytes, signal }: GetOptions): Promise<Uint8Array> {
    return callStorage("get", signal, async () => {
      const path = await this.checkContained(this.pathOf(uri) ?? foreign());
      return readWhole(path, sizeBytes, signal);
    });
  }

  delete(uri: string, { signal }: DeleteOptions = {}): Promise<void> {
    return callStorage("delete", signal, async () => {
      const path = this.pathOf(uri) ?? foreign();
      try {
        // Of the folder: a link that lies in the root may be removed wherever it leads to.
        await this.checkContained(dirname(path));
        await rm(path);
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
      }
    });
  }

  /** The path below the root that a URI names; undefined when it names none, or tries to leave. */
  private pathOf(uri: string): string | undefined {
    const [, raw = ""] = /^file:\/\/(?:localhost)?\/([^?#]*)$/i.exec(uri) ?? [];
    try {
      // Before anything resolves them: URL would quietly apply dots, percent-encoded ones too.
      const segments = raw.split("/").map(decodeURIComponent);
      if (!isPlainKey(segments.join("/")) || segments.some((segment) => /[\\/\0]/.test(segment))) return undefined;
      const path = fileURLToPath(`file:///${raw}`);
      return path.startsWith(this.root + sep) ? path : undefined;
    } catch {
      return undefined;
    }
  }

  /** Makes what is missing of a folder below the root; not through links that lead out of it. */
  private async makeFolder(folder: string): Promise<void> {
    await makeFolders(this.root, 0o700);
    let path = this.root;
    for (const segment of folder.slice(this.root.length + 1).split(sep)) {
      path = join(path, segment);
      try {
        await mkdir(path, { mode: 0o700 });
        // A folder is an entry of the one above, and lost with it.
        await syncFolder(dirname(path));
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      await this.checkContained(path);
    }
  }

  /** Where a path really is. @throws {ExternalStorageError} when that is outside the root */
  private async checkContained(path: string): Promise<string> {
    const [root, real] = await Promise.all([realpath(this.root), realpath(path)]);
    return real === root || real.startsWith(root + sep) ? real : foreign();
  }
}

function rootPath(root: unknown): string {
  const given = root instanceof URL ? root.href : root;
  const path = typeof given === "string" && /^file:/i.test(given) ? fileURLToPath(given) : given;
  if (typeof path !== "string" || path === "" || resolve(path) !== path.replace(/[\\/]+$/, "")) {
    throw new TypeError("root must be an absolute path or a file: URL, below the root of the disk");
  }
  return resolve(path);
}

function foreign(): never {
  throw new ExternalStorageError("foreign_reference", "The URI is outside the root of the local storage.");
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

/** Whether the file is there already, and is what it should be; then it is made young again, for those who tidy up by age. */
async function isIntact(path: string, size: number, sha256: string): Promise<boolean> {
  try {
    const bytes = await readWhole(path, size, undefined);
    if ((await sha256OfBytes(bytes)) !== sha256) return false;
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch {
    return false;
  }
}

async function writeWhole(path: string, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      for (let start = 0; start < data.length; start += CHUNK) {
        signal?.throwIfAborted();
        await file.writeFile(data.subarray(start, start + CHUNK));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a rename, and a new folder, survive a loss of power. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (sep === "\\") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readWhole(path: string, size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
  // Opening a pipe would wait for somebody who writes to it.
  checkFile(await lstat(path), size);
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    checkFile(await file.stat(), size);
    return await readExactly(file, size, signal);
  } finally {
    await file.close();
  }
}

function checkFile(stats: Stats, size: number): void {
  if (!stats.isFile()) throw new ExternalStorageError("not_found", "What is in storage there is no file.");
  if (stats.size !== size) throw sizeMismatch(size, stats.size);
}

async function readExactly(file: FileHandle, size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(bytes, length, Math.min(CHUNK, size - length));
    if (bytesRead === 0) throw sizeMismatch(size, length);
    length += bytesRead;
  }
  return bytes;
}
