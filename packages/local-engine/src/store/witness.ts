import { closeSync, constants, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";

const LENGTH = 64;
const LINE = /^([0-9a-f]{32}) (\d{16})\n/;

/**
 * A small file beside the database that holds how many commits it has had. It is written after each commit is on disk, so it
 * never holds more than the database and its log do together: when the database has fewer, its log was damaged or lost.
 * It is not flushed itself. A loss of power may leave it behind the database, and then it says nothing.
 */
export class Witness {
  private readonly file: string;
  private readonly origin: string;
  private fd: number | undefined;

  private constructor(file: string, origin: string, fd: number | undefined) {
    this.file = file;
    this.origin = origin;
    this.fd = fd;
  }

  /** @returns also how many commits it knows of that the database has not */
  static open(
    database: string,
    { origin, commits }: { readonly origin: string; readonly commits: number },
  ): { readonly witness: Witness; readonly missing: number } {
    if (database === ":memory:") return { witness: new Witness("", origin, undefined), missing: 0 };
    const file = `${database}-commits`;
    const fd = openOwn(file);
    const witness = new Witness(file, origin, fd);
    const seen = fd === undefined ? undefined : readLine(fd);
    witness.write(commits);
    return { witness, missing: seen?.origin === origin ? Math.max(0, seen.commits - commits) : 0 };
  }

  /** A commit is on disk. */
  write(commits: number): void {
    if (this.fd === undefined) return;
    const line = `${this.origin} ${String(commits).padStart(16, "0")}\n`.padEnd(LENGTH, " ");
    try {
      writeSync(this.fd, line, 0, "latin1");
    } catch {
      // Without room for these few bytes the next opening can tell less, and nothing is lost by that.
    }
  }

  /** @param isWhole everything is in the database file itself: nothing is left to witness */
  close(isWhole: boolean): void {
    if (this.fd === undefined) return;
    closeSync(this.fd);
    this.fd = undefined;
    if (isWhole) rmSync(this.file, { force: true });
  }
}

/** Opens it, or makes it, for this user alone; never follows a link, nor takes what is no file. */
function openOwn(file: string): number | undefined {
  const noFollow = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;
  try {
    const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | noFollow, 0o600);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch {
    // It is an aid, and no reason not to open the database.
  }
  return undefined;
}

function readLine(fd: number): { readonly origin: string; readonly commits: number } | undefined {
  const bytes = Buffer.alloc(LENGTH);
  const length = readSync(fd, bytes, 0, LENGTH, 0);
  const [, origin, commits] = LINE.exec(bytes.toString("latin1", 0, length)) ?? [];
  return origin === undefined ? undefined : { origin, commits: Number(commits) };
}
