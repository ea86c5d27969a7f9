import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import {
  codeOf,
  type KeptBytes,
  type OpenBytes,
  type PayloadBytes,
  PayloadBytesError,
  type PayloadSink,
} from "./bytes.js";
import { Permits } from "./permits.js";

/** Files that are written at the same time; who comes later waits, and sends nothing meanwhile. */
const MOST_WRITERS = 64;
/** What is read, and written, at once. Each is a turn of another thread, which costs more than so many bytes do. */
const PIECE_BYTES = 262_144;
/** A payload of that size is read in one go. */
const READ_ONCE_BYTES = 1_048_576;
const LOCATION = /^[0-9a-f]{2}\/[0-9a-f]{30}$/;
const PARTIAL = ".partial";

/**
 * Payloads in files of one folder, each under a name of its own that is never used again. A file has its name once it is whole
 * and on the disk; this user alone can read it (0600, folders 0700).
 */
export class FileBytes implements PayloadBytes {
  readonly folder: string;
  private readonly writers = new Permits(MOST_WRITERS);
  /** Being written, or kept and not written down yet: not to be tidied away. */
  private readonly unsettled = new Set<string>();

  /** @param folder need not be there */
  constructor(folder: string) {
    this.folder = folder;
  }

  owns(location: string): boolean {
    return LOCATION.test(location);
  }

  async begin(_sizeBytes: number, signal: AbortSignal): Promise<PayloadSink> {
    const release = await this.writers.acquire(1, signal);
    const location = newLocation();
    const path = this.pathOf(location);
    this.unsettled.add(location);
    let file: FileHandle | undefined;
    const letGo = async (): Promise<void> => {
      release();
      const handle = file;
      file = undefined;
      await handle?.close();
    };
    try {
      file = await this.openNew(path + PARTIAL);
    } catch (error) {
      release();
      this.unsettled.delete(location);
      throw new PayloadBytesError("unavailable", error);
    }
    const writing = file;
    let unwritten: Uint8Array[] = [];
    let unwrittenBytes = 0;
    const flush = async (): Promise<void> => {
      const chunks = unwritten;
      unwritten = [];
      unwrittenBytes = 0;
      try {
        await writeAll(writing, chunks);
      } catch (error) {
        throw new PayloadBytesError("unavailable", error);
      }
    };
    return {
      write(chunk) {
        unwritten.push(chunk);
        unwrittenBytes += chunk.length;
        return unwrittenBytes < PIECE_BYTES ? undefined : flush();
      },
      async keep() {
        await flush();
        try {
          await writing.sync();
          await letGo();
          await rename(path + PARTIAL, path);
          await flushFolder(dirname(path));
          return location;
        } catch (error) {
          throw new PayloadBytesError("unavailable", error);
        }
      },
      discard: async () => {
        await letGo().catch(() => {});
        await rm(path + PARTIAL, { force: true }).catch(() => {});
        await rm(path, { force: true }).catch(() => {});
        this.unsettled.delete(location);
      },
    };
  }

  /** What was kept is written down: from here on it is a payload like any other. */
  settled(location: string): void {
    this.unsettled.delete(location);
  }

  async open(location: string, { sizeBytes }: KeptBytes): Promise<OpenBytes> {
    const file = await openKept(this.pathOf(location));
    const { size } = await file.stat();
    if (size !== sizeBytes) {
      await file.close();
      throw new PayloadBytesError("damaged", new Error(`there are ${size} bytes of ${sizeBytes}`));
    }
    return {
      read: () => readAll(file, sizeBytes),
      close: () => file.close(),
    };
  }

  async has(location: string, { sizeBytes }: KeptBytes): Promise<boolean> {
    try {
      return (await stat(this.pathOf(location))).size === sizeBytes;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return false;
      throw new PayloadBytesError("unavailable", error);
    }
  }

  async remove(location: string): Promise<void> {
    try {
      await rm(this.pathOf(location), { force: true });
    } catch (error) {
      throw new PayloadBytesError("unavailable", error);
    }
  }

  /** The places of all files, and what was left half-written. Not those that this process is writing. */
  async *found(): AsyncIterable<{ readonly location: string; readonly isPartial: boolean }> {
    for (const shard of await entries(this.folder)) {
      if (!/^[0-9a-f]{2}$/.test(shard)) continue;
      for (const name of await entries(join(this.folder, shard))) {
        const isPartial = name.endsWith(PARTIAL);
        const location = `${shard}/${isPartial ? name.slice(0, -PARTIAL.length) : name}`;
        if (LOCATION.test(location) && !this.unsettled.has(location)) yield { location, isPartial };
      }
    }
  }

  /** Removes what a process that was killed has left half-written. */
  async removePartial(location: string): Promise<void> {
    if (!this.unsettled.has(location)) await rm(this.pathOf(location) + PARTIAL, { force: true });
  }

  /** Whether this process is writing there, or has not yet written down that it did. */
  isOpen(location: string): boolean {
    return this.unsettled.has(location);
  }

  pathOf(location: string): string {
    // Names come from the database; a copy that somebody has edited must not lead out of the folder.
    if (!LOCATION.test(location)) throw new PayloadBytesError("missing", new Error("no place of a file"));
    return join(this.folder, ...location.split("/"));
  }

  /** Most of the time the folders are there. */
  private async openNew(path: string): Promise<FileHandle> {
    try {
      return await open(path, "wx", 0o600);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
    await this.makeFolderOf(path);
    return open(path, "wx", 0o600);
  }

  /** Makes the folder of a file, and that of all: what is above is there, or nothing can be kept. */
  async makeFolderOf(file: string): Promise<void> {
    for (const path of [this.folder, dirname(file)]) {
      try {
        await mkdir(path, { mode: 0o700 });
        await flushFolder(dirname(path));
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
    }
  }
}

function newLocation(): string {
  const name = randomBytes(16).toString("hex");
  return `${name.slice(0, 2)}/${name.slice(2)}`;
}

async function openKept(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    throw new PayloadBytesError(codeOf(error) === "ENOENT" ? "missing" : "unavailable", error);
  }
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest as Uint8Array[]);
    const left: Uint8Array[] = [];
    for (const chunk of rest) {
      if (bytesWritten < chunk.length) left.push(bytesWritten > 0 ? chunk.subarray(bytesWritten) : chunk);
      bytesWritten = Math.max(0, bytesWritten - chunk.length);
    }
    rest = left;
  }
}

/** What a file has when it was opened, and nothing that it may have got since. */
async function* readAll(file: FileHandle, sizeBytes: number): AsyncIterable<Uint8Array> {
  const most = sizeBytes <= READ_ONCE_BYTES ? sizeBytes : PIECE_BYTES;
  for (let at = 0; at < sizeBytes; ) {
    // A new one each time: what was yielded may wait to be sent.
    const length = Math.min(most, sizeBytes - at);
    const chunk = Buffer.allocUnsafeSlow(length);
    let bytesRead: number;
    try {
      ({ bytesRead } = await file.read(chunk, 0, length, at));
    } catch (error) {
      throw new PayloadBytesError("unavailable", error);
    }
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Makes a rename, and a new folder, survive a loss of power. Windows has no such thing. */
export async function flushFolder(folder: string): Promise<void> {
  if (sep === "\\") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
