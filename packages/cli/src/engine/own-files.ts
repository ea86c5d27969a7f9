import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chmod, type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolders } from "@durable-workflow/carrier/storage/local";
import { fileTrouble } from "@durable-workflow/dispatcher/tools";
import { decodeText } from "../options/text-file.js";
import { CliError, EXIT } from "../shell/command.js";

/** Windows has neither owners nor modes to go by, and no such flags. */
const UID = process.getuid?.();
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = constants;
const O_NOFOLLOW = (constants.O_NOFOLLOW as number | undefined) ?? 0;
const O_NONBLOCK = (constants.O_NONBLOCK as number | undefined) ?? 0;
const OTHERS_WRITE = 0o022;
const LARGEST_BYTES = 65_536;

interface Owned {
  readonly uid: number;
  readonly mode: number;
}

/** Why what lies in a place may be somebody else's doing; undefined where it is ours alone. */
function distrust({ uid, mode }: Owned): string | undefined {
  if (UID === undefined) return undefined;
  if (uid !== UID) return "it belongs to another user";
  return (mode & OTHERS_WRITE) === 0 ? undefined : "others may write to it";
}

/** Whether a folder belongs to who runs the command. */
export async function isOwnFolder(folder: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    return found.isDirectory() && (UID === undefined || found.uid === UID);
  } catch {
    return false;
  }
}

/** What was read, or why it was not: `absent` where there is nothing. */
export type OwnText = { readonly text: string } | { readonly refused: string } | { readonly absent: true };

/**
 * The text of a small file that nobody but who runs the command can have written: a regular file with one name, in a
 * folder that is no link either, both its own and writable for nobody else.
 */
export async function readOwnFile(path: string): Promise<OwnText> {
  let file: FileHandle;
  try {
    const folder = await look(dirname(path));
    if (folder === undefined) return { absent: true };
    if (!folder.isDirectory()) return { refused: `${dirname(path)} is a link, or no folder` };
    const why = distrust(folder);
    if (why !== undefined) return { refused: `${dirname(path)}: ${why}` };
    if ((await look(path))?.isSymbolicLink() === true) return { refused: "it is a link" };
    // A pipe must not keep us, and a link that comes in between is not followed.
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { absent: true } : { refused: `it cannot be read: ${fileTrouble(error)}` };
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) return { refused: "it is not a regular file" };
    const doubt = distrust(found) ?? (found.nlink > 1 ? "it has a second name elsewhere" : undefined);
    if (doubt !== undefined) return { refused: doubt };
    if (found.size > LARGEST_BYTES) return { refused: `it is larger than ${LARGEST_BYTES} bytes` };
    const bytes = Buffer.alloc(LARGEST_BYTES);
    const { bytesRead } = await file.read(bytes, 0, LARGEST_BYTES, 0);
    const text = decodeText(bytes.subarray(0, bytesRead));
    return text === undefined ? { refused: "it is not UTF-8" } : { text };
  } finally {
    await file.close();
  }
}

/** Writes a file for who runs the command alone (0600), whole or not at all. A link in its place is replaced. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const file = await open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/**
 * Makes a folder for who runs the command alone (0700), or finds it so. One that is named like ours loses what rights
 * others have in it; of one that somebody chose it is only demanded that nobody else may write to it.
 *
 * @param entries files and folders below it that are used by their names, and must be no links
 * @throws {CliError} with exit code 78 for what others could have laid there
 */
export async function ownFolder(folder: string, entries: readonly string[], isOurs: boolean): Promise<void> {
  try {
    await makeFolders(folder, 0o700);
  } catch (error) {
    throw refuse(`the folder ${folder} cannot be made: ${fileTrouble(error)}`, "Choose another folder with --data.");
  }
  const found = await lstat(folder);
  if (!found.isDirectory()) throw refuse(`${folder} is a link: what it leads to may be somebody else's`, ANOTHER);
  if (UID !== undefined && found.uid !== UID) throw refuse(`${folder} belongs to another user`, ANOTHER);
  if (isOurs && (found.mode & 0o077) !== 0) await chmod(folder, 0o700);
  else if (distrust(found) !== undefined) {
    throw refuse(`others may write to ${folder}`, `Take that right away: chmod go-w ${folder}`);
  }
  for (const entry of entries) {
    const inside = await look(join(folder, entry));
    if (inside?.isSymbolicLink() === true)
      throw refuse(`${join(folder, entry)} is a link and is not followed`, ANOTHER);
    if (inside !== undefined && UID !== undefined && inside.uid !== UID) {
      throw refuse(`${join(folder, entry)} belongs to another user`, ANOTHER);
    }
  }
}

const ANOTHER = "Remove it, or choose another folder with --data.";

function refuse(what: string, hint: string): CliError {
  return new CliError(EXIT.config, what, hint);
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Nothing is below a file, either.
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
