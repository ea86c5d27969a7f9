// Before a package is packed: writes its part of CHANGELOG.md into its folder, for the tarball.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "./lib.mjs";

const folder = process.cwd();
const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const releases = readFileSync(join(root, "CHANGELOG.md"), "utf8").split(/^(?=## )/m);
const parts = releases.flatMap((release) => {
  const [, title] = /^## (.+)$/m.exec(release) ?? [];
  const own = release.split(/^(?=### )/m).find((part) => part.startsWith(`### ${name}\n`));
  return title === undefined || own === undefined ? [] : [`## ${title}\n\n${own.slice(own.indexOf("\n")).trim()}\n`];
});
writeFileSync(join(folder, "CHANGELOG.md"), `# Changelog of ${name}\n\n${parts.join("\n")}`);
