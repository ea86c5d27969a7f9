import { randomUUID } from "node:crypto";
import { closeSync, openSync, read as readCallback } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { LocalEngineError } from "../errors.js";
import { CHECKPOINT_EVERY, type Connection } from "./connection.js";
import { sqliteCode } from "./result-codes.js";

const read = promisify(readCallback);
const CHUNK_BYTES = 1_048_576;

export interface BackupTarget {
  readonly overwrite: boolean;
  /** Called once the copy is whole, before it has its name: what belongs beside it. It throws when the engine is closed. */
  readonly beside: (refuseIfStopped: () => void) => Promise<void>;
}

/**
 * Copies of a database that is in use. All that is committed goes from the log into the file first; until the copy is done
 * new commits stay in the log, so that the file stands still while it is read, piece by piece and beside the engine's work.
 *
 * The file is read by a handle that is held for the life of the connection: on Linux and macOS, closing any handle of a file
 * gives up the locks that the process has on it.
 */
export class Backups {
  private readonly db: Connection;
  private readonly file: string;
  private readonly handle: number | undefined;
  private last: Promise<void> = Promise.resolve();
  private reading: Promise<unknown> = Promise.resolve();
  private isStopped = false;

  /** To be made once the database is locked: a file that another has locked must not be opened. */
  constructor(db: Connection, file: string) {
    this.db = db;
    this.file = file;
    this.handle = file === ":memory:" ? undefined : openSync(file, "r");
  }

  /**
   * One after the other.
   *
   * @throws {LocalEngineError} `file_exists`, `disk_full`, `file_unusable` or `closed`
   */
  make(target: string, options: BackupTarget): Promise<void> {
    const made = this.last.then(() => this.copyTo(target, options));
    this.last = made.catch(() => {});
    return made;
  }

  /** Ends the copy that is being made. */
  stop(): void {
    this.isStopped = true;
  }

  /** To be called once the connection is closed. */
  release(): void {
    const { handle } = this;
    if (handle === undefined) return;
    // A read that has begun would go on with whatever is opened next under this number.
    void this.reading.then(
      () => {
        closeSync(handle);
      },
      () => {
        closeSync(handle);
      },
    );
  }

  private async copyTo(target: string, { overwrite, beside }: BackupTarget): Promise<void> {
    this.refuseIfStopped();
    const partial = `${target}.partial-${randomUUID()}`;
    try {
      if (!overwrite) await claim(target);
      try {
        await (this.handle === undefined ? this.copyMemory(partial) : this.copyFile(partial, this.handle));
        await beside(() => {
          this.refuseIfStopped();
        });
        this.refuseIfStopped();
        await rename(partial, target);
      } catch (error) {
        await rm(partial, { force: true });
        // Only the empty file that was claimed.
        if (!overwrite) await rm(target, { force: true });
        throw error;
      }
      await flushFolder(target);
    } catch (error) {
      throw described(error, target);
    }
  }

  private async copyFile(partial: string, handle: number): Promise<void> {
    const to = await open(partial, "wx", 0o600);
    try {
      this.refuseIfStopped();
      this.db.pragma("wal_autocheckpoint = 0");
      try {
        this.db.pragma("wal_checkpoint(TRUNCATE)");
        const pages = this.db.pragma("page_count") as number;
        const end = pages * (this.db.pragma("page_size") as number);
        await this.copyBytes(handle, to, end);
      } finally {
        if (!this.isStopped) this.db.pragma(`wal_autocheckpoint = ${CHECKPOINT_EVERY}`);
      }
      await to.sync();
    } finally {
      await to.close();
    }
  }

  private async copyBytes(
    handle: number,
    to: { readonly write: (bytes: Buffer, offset: number, length: number, at: number) => Promise<unknown> },
    end: number,
  ): Promise<void> {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; at < end; ) {
      this.refuseIfStopped();
      const reading = read(handle, chunk, 0, Math.min(CHUNK_BYTES, end - at), at);
      this.reading = reading;
      const { bytesRead } = await reading;
      if (bytesRead === 0) throw new Error(`${this.file} is shorter than it should be`);
      await to.write(chunk, 0, bytesRead, at);
      at += bytesRead;
    }
    this.refuseIfStopped();
  }

  /** What is in memory alone is written out at once. */
  private async copyMemory(partial: string): Promise<void> {
    // SQLite writes into an empty file that is there, which then keeps its mode.
    const to = await open(partial, "wx", 0o600);
    try {
      this.refuseIfStopped();
      this.db.exec(`VACUUM INTO '${partial.replaceAll("'", "''")}'`);
      await to.sync();
    } finally {
      await to.close();
    }
  }

  private refuseIfStopped(): void {
    if (this.isStopped) throw new LocalEngineError("closed", "the engine was closed before its backup was made");
  }
}

/** Takes the name, so that nobody else's file is overwritten in the meantime. */
async function claim(target: string): Promise<void> {
  const handle = await open(target, "wx", 0o600);
  await handle.close();
}

/** So that the name of the copy survives a loss of power too; where folders cannot be opened there is no such thing. */
async function flushFolder(target: string): Promise<void> {
  try {
    const folder = await open(dirname(target), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Windows.
  }
}

function described(error: unknown, target: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof LocalEngineError) return error;
  if (code === "EEXIST") {
    const message = `${target} is there already: name another file, or set overwrite`;
    return new LocalEngineError("file_exists", message, { cause: error });
  }
  if (code === "ENOSPC" || sqliteCode(error)?.startsWith("SQLITE_FULL") === true) {
    const message = `the backup ${target} could not be written, as its disk is full`;
    return new LocalEngineError("disk_full", message, { cause: error });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new LocalEngineError("file_unusable", `the backup ${target} could not be written (${why})`, { cause: error });
}
