import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder, and those above it that are not there; what is there stays as it is. Node's own way to do that does not end
 * below folders that take none, as those of /proc, on Node 20.
 *
 * @param mode of those that are made, without what the umask takes. Default 0o777
 * @throws (as a rejection) what `mkdir` does: `EEXIST` where a file is in the way
 */
export async function makeFolders(folder: string, mode = 0o777): Promise<void> {
  if (await isFolder(folder)) return;
  const above = dirname(folder);
  if (above !== folder) await makeFolders(above, mode);
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // Somebody else may have been sooner.
    if (!(await isFolder(folder))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
