// npm run check:api [-- --write]: compares what the doors of every package export with api/*.txt, so that a change of
// them is seen in review; --write brings the files up to date. The packages must have been built.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reportOf } from "./api-surface.mjs";
import { root } from "./lib.mjs";

const folder = join(root, "api");
const isWriting = process.argv.includes("--write");
mkdirSync(folder, { recursive: true });

const expected = new Map();
for (const directory of readdirSync(join(root, "packages"))) {
  const manifest = join(root, "packages", directory, "package.json");
  if (!existsSync(manifest)) continue;
  const { name, private: isPrivate } = JSON.parse(readFileSync(manifest, "utf8"));
  if (isPrivate !== true) expected.set(`${directory}.txt`, reportOf(name, join(root, "packages", directory)));
}

for (const file of readdirSync(folder).filter((name) => !expected.has(name))) {
  if (isWriting) rmSync(join(folder, file));
  else complain(file, "is of no package");
}
for (const [file, report] of expected) {
  const path = join(folder, file);
  const written = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (written === report) continue;
  if (isWriting) {
    writeFileSync(path, report);
    console.log(`api/${file} written`);
  } else {
    complain(file, "is not what the package exports:");
    const [before, after] = [linesOf(written), linesOf(report)];
    for (const line of before) if (!after.has(line)) console.error(`  - ${line}`);
    for (const line of after) if (!before.has(line)) console.error(`  + ${line}`);
  }
}
if (process.exitCode === 1) console.error("If that is meant: npm run check:api -- --write");
else if (!isWriting) console.log(`${expected.size} packages export what api/*.txt says`);

/** Each line with the door that it stands under. */
function linesOf(report) {
  let door = "";
  const lines = new Set();
  for (const line of report.split("\n")) {
    if (line.startsWith("## ")) door = line.slice(3).replace(/ \(\d+\)$/, "");
    else if (/^(?:value|type) /.test(line)) lines.add(`${door}: ${line}`);
  }
  return lines;
}

function complain(file, what) {
  console.error(`api/${file} ${what}`);
  process.exitCode = 1;
}
