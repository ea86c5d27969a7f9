// Installs what we are compared with, once for each lock file, outside of the repository.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const own = (file) => fileURLToPath(new URL(file, import.meta.url));

/** The folder with node_modules of the peers, or why there is none. */
export function installPeers() {
  const key = createHash("sha256")
    .update(readFileSync(own("package-lock.json")))
    .digest("hex")
    .slice(0, 16);
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "durable-workflow-peers", key);
  const stamp = join(folder, "installed");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(stamp)) {
    console.log("installing the peers ...");
    for (const file of ["package.json", "package-lock.json"]) cpSync(own(file), join(folder, file));
    const options = ["install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, error, stderr } = spawnSync("npm", options, { cwd: folder, encoding: "utf8" });
    if (status !== 0)
      return { missing: `npm install of the peers failed: ${(error?.message ?? stderr).split("\n")[0]}` };
    writeFileSync(stamp, "");
  }
  for (const file of readdirSync(own("apps"))) cpSync(own(`apps/${file}`), join(folder, file));
  return { folder };
}

/** A program on this machine by any of its paths, or undefined. */
export function programOf(name, ...folders) {
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** PostgreSQL's own programs are in a folder for each version of it. */
export function postgresFolder() {
  const home = "/usr/lib/postgresql";
  if (!existsSync(home)) return undefined;
  const versions = readdirSync(home).toSorted((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(home, version, "bin")).find((folder) => existsSync(join(folder, "initdb")));
}
