import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder, and those above it that are not there; what is there stays as it is. Node's own way to do that does not end
 * below folders that take none, as those of /proc, on Node 20.
 *
 * @param mode of those that are made, without what the umask takes. Default 0o777
 * @throws (as a rejection) what `mkdir` does: `EEXIST` or `ENOTDIR` where a file is in the way
 */
export async function makeFolders(folder: string, mode = 0o777): Promise<void> {
  if ((await find(folder)) === "folder") return;
  const above = dirname(folder);
  if (above !== folder && (await find(above)) === undefined) await makeFolders(above, mode);
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // Somebody else may have been sooner.
    if ((await find(folder)) !== "folder") throw error;
  }
}

/** What is there; undefined for nothing. */
async function find(path: string): Promise<"folder" | "file" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch {
    return undefined;
  }
}
