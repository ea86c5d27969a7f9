import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the packages of this lock file are installed, outside of the tree. `installed` lies in it once they are. */
export function runtimesFolder(lockFile: Uint8Array): string {
  const key = createHash("sha256").update(lockFile).digest("hex").slice(0, 16);
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "durable-workflow-runtimes", key);
}
