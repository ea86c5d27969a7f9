import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimesFolder } from "./runtimes-folder.js";

/** Where the runtimes are, or why there are none. Plain data: it goes to the test files as JSON. */
export type Runtimes =
  | { readonly modules: string; readonly work: string; readonly missing?: never }
  | { readonly missing: string };

const INSTALL_LIMIT_MS = 900_000;
const own = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/**
 * Installs the runtimes, once for each lock file, outside of the tree; then lays a folder out for this run, with the apps
 * and the carrier as its users get it.
 */
export function prepareRuntimes(): Runtimes {
  const started = Date.now();
  const runtimes = installed();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const said = runtimes.missing === undefined ? "are ready" : `are left out: ${runtimes.missing}`;
  process.stdout.write(`runtimes: they ${said} (${seconds} s)\n`);
  return runtimes;
}

/** Takes away what {@link prepareRuntimes} has laid out for one run. */
export function removeWork(runtimes: Runtimes): void {
  if (runtimes.missing === undefined) rmSync(runtimes.work, { recursive: true, force: true });
}

function installed(): Runtimes {
  const folder = runtimesFolder(readFileSync(own("package-lock.json")));
  // Written last: a folder that was interrupted has none, and is made anew.
  const stamp = join(folder, "installed");
  if (!existsSync(stamp)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) cpSync(own(file), join(folder, file));
    // Scripts of packages are not run: what they would fetch or compile is not needed.
    const options = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, error, stderr } = spawnSync("npm", ["install", ...options], {
      cwd: folder,
      encoding: "utf8",
      timeout: INSTALL_LIMIT_MS,
    });
    if (status !== 0) {
      const lines = (error?.message ?? stderr).trim().split("\n");
      return {
        missing: `npm install in ${folder}: ${lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "failed"}`,
      };
    }
    writeFileSync(stamp, "");
  }
  mkdirSync(join(folder, "runs"), { recursive: true });
  const work = mkdtempSync(join(folder, "runs", "run-"));
  cpSync(own("apps"), work, { recursive: true });
  cpSync(own("../examples"), join(work, "examples"), { recursive: true, filter: isSource });
  for (const name of ["carrier", "engine-protocol", "client"]) {
    const source = own(`../packages/${name}`);
    const target = join(work, "node_modules", "@durable-workflow", name);
    cpSync(join(source, "dist"), join(target, "dist"), { recursive: true });
    cpSync(join(source, "package.json"), join(target, "package.json"));
  }
  return { modules: join(folder, "node_modules"), work };
}

/** Whether it would be copied by who takes an example: not what was installed or built in it. */
function isSource(path: string): boolean {
  return !/[\\/](?:node_modules|dist|\.next)$/.test(path);
}
