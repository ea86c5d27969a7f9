// What the repository's own scripts share. Node's built-in modules only: these run before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs a command in the repository and returns whether it succeeded. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error !== undefined) console.error(`${command} could not be run: ${error.message}`);
  return status === 0;
}

/** Runs a program of node_modules. */
export function runBin(name, args, options) {
  return run(process.execPath, [binPath(name), ...args], options);
}

function binPath(name) {
  const path = `${root}node_modules/.bin/${name}`;
  return existsSync(path) ? path : `${root}node_modules/${name}`;
}

/** The folders of all workspaces of a repository, from its root on. */
export function workspaceFolders(top = root) {
  const { workspaces } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  return workspaces
    .flatMap((pattern) => {
      if (!pattern.endsWith("/*")) return [pattern];
      const parent = pattern.slice(0, -2);
      return readdirSync(join(top, parent)).map((name) => `${parent}/${name}`);
    })
    .filter((folder) => existsSync(join(top, folder, "package.json")));
}

/** Whether node_modules has what package-lock.json says, and leads to every workspace: one may have come since. */
export function isInstalled(top = root) {
  const installed = join(top, "node_modules/.package-lock.json");
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(join(top, "package-lock.json")).mtimeMs)
    return false;
  return workspaceFolders(top).every((folder) => {
    const { name } = JSON.parse(readFileSync(join(top, folder, "package.json"), "utf8"));
    const link = join(top, "node_modules", name);
    return existsSync(link) && realpathSync(link) === realpathSync(join(top, folder));
  });
}

/** Installs the dependencies of package-lock.json when they are missing or older than it, or a workspace is new. */
export function ensureInstalled() {
  if (isInstalled()) return;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node 20.19 or newer is needed, this is ${process.versions.node}: see https://nodejs.org`);
    process.exit(1);
  }
  console.log("Installing dependencies (npm install) ...");
  // Not npm ci: it wants the tools' packages for every other platform in the lock file, and a registry to have them all.
  const options = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  if (!run("npm", ["install", ...options], { shell: process.platform === "win32" })) {
    console.error("npm install failed: is the npm registry reachable?");
    process.exit(1);
  }
}

/** Compiles the packages and examples, and bundles the carrier's doors and the inspector's page; ends the process when that fails. */
export function build() {
  if (!runBin("tsc", ["-b"])) process.exit(1);
  for (const name of ["carrier", "inspector"]) {
    if (!run(process.execPath, [join(root, `packages/${name}/build.mjs`)])) process.exit(1);
  }
}
