// node site/build.mjs: builds the site of docs/ into site/dist, and checks it. Run it by npm run docs, which installs what it needs.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { writeApi } from "./api.mjs";
import { brokenLinks } from "./links.mjs";
import { stage, writeForMachines } from "./pages.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const staged = join(here, ".stage");
const dist = join(here, "dist");

rmSync(staged, { recursive: true, force: true });
stage(join(root, "docs"), staged);

console.log("reading the types of every package ...");
const api = join(staged, "reference/api");
mkdirSync(api, { recursive: true });
const { pages, silent } = await writeApi(root, api);
const listed = pages.map(({ doors }) => doors.map((door) => `- [\`${door}\`](./${door}.md)`).join("\n"));
writeFileSync(
  join(api, "index.md"),
  `# API\n\nEvery door of every package, from the types and comments of the sources.\n\n${listed.join("\n\n")}\n`,
);

const { build } = await import("vitepress");
await build(here);
const intro = readFileSync(join(root, "docs/README.md"), "utf8").split("\n## ")[0].split("\n|")[0];
writeForMachines(staged, dist, intro);

const wrong = [...brokenLinks(dist), ...silent.map((name) => `${name} has no sentence: write a comment above it`)];
for (const line of wrong) console.error(line);
console.log(`site/dist: ${pages.flatMap(({ doors }) => doors).length} doors, ${wrong.length} faults`);
process.exitCode = wrong.length === 0 ? 0 : 1;
