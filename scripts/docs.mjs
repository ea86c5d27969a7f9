// npm run docs: builds the site of docs/ with all its checks. With --serve it shows it afterwards, on loopback.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { build, ensureInstalled, root, run } from "./lib.mjs";

const site = join(root, "site");
ensureInstalled();
build();
const installed = join(site, "node_modules/.package-lock.json");
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(join(site, "package-lock.json")).mtimeMs) {
  console.log("Installing what builds the site (npm ci, in site/) ...");
  // esbuild's own script only looks for its program in another way: the package has it.
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  // Without a registry npm would try for minutes.
  const impatient = ["--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=20000"];
  const options = { cwd: site, shell: process.platform === "win32" };
  if (!run("npm", ["ci", ...quiet, ...impatient], options)) {
    console.error("npm ci failed in site/: the site is built with packages of the npm registry, is it reachable?");
    process.exit(1);
  }
}
if (!run(process.execPath, [join(site, "build.mjs")])) process.exit(1);
if (process.argv.includes("--serve"))
  run(process.execPath, [join(site, "node_modules/vitepress/bin/vitepress.js"), "preview", site]);
