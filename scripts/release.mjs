// node scripts/release.mjs: moves all packages to one version, and publishes them. See RELEASING.md.
//   prepare VERSION        versions, changelog, lock file; commits nothing
//   publish --tag vVERSION checks, builds from nothing, publishes in the order of dependencies, with provenance
//   --dry-run              with publish: packs and checks everything, sends nothing
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { root as home, run } from "./lib.mjs";

class Refusal extends Error {}

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9a-z]+(?:\.[0-9a-z]+)*))?$/;

/** Compares two versions: negative where the first comes before. What is before a release counts as older than it. */
export function compareVersions(one, other) {
  const parts = [one, other].map((version) => {
    const match = VERSION.exec(version);
    if (match === null) throw new Refusal(`${version} is no version: give it as 1.2.3 or 1.2.3-rc.1`);
    return match;
  });
  for (const index of [1, 2, 3]) {
    const difference = Number(parts[0][index]) - Number(parts[1][index]);
    if (difference !== 0) return difference;
  }
  const [mine, theirs] = parts.map((match) => match[4]);
  if (mine === theirs) return 0;
  if (mine === undefined) return 1;
  if (theirs === undefined) return -1;
  return mine.localeCompare(theirs, "en", { numeric: true });
}

/** The changelog with its Unreleased part under a version and a date, and an empty one above it. */
export function releasedChangelog(text, version, date) {
  const heading = /^## Unreleased\n/m.exec(text);
  if (heading === null) throw new Refusal('CHANGELOG.md has no "## Unreleased" part');
  const begin = heading.index + heading[0].length;
  const next = text.indexOf("\n## ", begin);
  const part = text.slice(begin, next === -1 ? undefined : next);
  if (!/^- /m.test(part)) throw new Refusal('CHANGELOG.md has nothing under "## Unreleased": what do users get?');
  return `${text.slice(0, begin)}\n## ${version} - ${date}\n${text.slice(begin)}`;
}

/** Every package of packages/, with what is published in the order of dependencies. */
export function packagesOf(root) {
  const all = readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) }));
  const ordered = [];
  const add = (one) => {
    if (ordered.includes(one)) return;
    for (const name of Object.keys({ ...one.manifest.dependencies, ...one.manifest.optionalDependencies })) {
      const needed = all.find(({ manifest }) => manifest.name === name);
      if (needed !== undefined) add(needed);
    }
    ordered.push(one);
  };
  for (const one of all) add(one);
  return ordered;
}

const KINDS = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/** Writes the version into every manifest, and into whatever names one of our packages: exactly here, as a range in examples. */
function moveVersions(root, version) {
  const packages = packagesOf(root);
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  const examples = join(root, "examples");
  const users = existsSync(examples)
    ? readdirSync(examples)
        .map((name) => join(examples, name))
        .filter((folder) => existsSync(join(folder, "package.json")))
    : [];
  for (const folder of [...packages.map((one) => one.folder), ...users]) {
    const file = join(folder, "package.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    if (names.has(manifest.name)) manifest.version = version;
    for (const kind of KINDS) {
      for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
        if (names.has(name)) manifest[kind][name] = range.startsWith("^") ? `^${version}` : version;
      }
    }
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  }
}

export function prepare(root, version, { date = new Date().toISOString().slice(0, 10), lock = true } = {}) {
  const [{ manifest }] = packagesOf(root);
  // The first release publishes the version that stands there; later ones move on.
  const first = !/^## \d/m.test(readFileSync(join(root, "CHANGELOG.md"), "utf8"));
  const step = compareVersions(version, manifest.version);
  if (step < 0 || (step === 0 && !first)) throw new Refusal(`${version} does not come after ${manifest.version}`);
  const file = join(root, "CHANGELOG.md");
  const changelog = releasedChangelog(readFileSync(file, "utf8"), version, date);
  moveVersions(root, version);
  writeFileSync(file, changelog);
  const options = { cwd: root, shell: process.platform === "win32" };
  if (lock && !run("npm", ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], options))
    throw new Refusal("the lock file could not be written: run npm install --package-lock-only");
}

export function publish(root, tag, { dryRun = false } = {}) {
  const packages = packagesOf(root).filter(({ manifest }) => manifest.private !== true);
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  for (const { manifest } of packages) {
    if (tag !== `v${manifest.version}`)
      throw new Refusal(`${manifest.name} is at ${manifest.version}, the tag says ${tag}: run prepare first`);
  }
  const version = tag.slice(1);
  if (!changelog.includes(`\n## ${version} - `)) throw new Refusal(`CHANGELOG.md has no part "## ${version} - <date>"`);
  for (const { folder } of packages) {
    for (const name of readdirSync(folder)) {
      if (name === "dist" || name.endsWith(".tsbuildinfo"))
        rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
  const options = { cwd: root, shell: process.platform === "win32" };
  if (!run("npm", ["run", "--silent", "build"], options)) throw new Refusal("the build failed");
  // What comes before a release is not what npm install gives.
  const channel = version.includes("-") ? "next" : "latest";
  for (const { folder, manifest } of packages) {
    console.log(`${dryRun ? "would publish" : "publishing"} ${manifest.name} ${version} as ${channel}`);
    const flags = ["--access", "public", "--tag", channel, ...(dryRun ? ["--dry-run"] : ["--provenance"])];
    if (!run("npm", ["publish", ...flags], { ...options, cwd: folder }))
      throw new Refusal(
        `${manifest.name} was not published. Those before it were: mend the cause, then run this again for the rest`,
      );
  }
}

function main([command, ...rest]) {
  if (command === "prepare" && rest.length === 1) {
    prepare(home, rest[0]);
    console.log(
      `All packages are at ${rest[0]}. Read CHANGELOG.md once more, then: git commit -am "Release ${rest[0]}"`,
    );
    return;
  }
  const tag = rest[rest.indexOf("--tag") + 1];
  if (command === "publish" && rest.includes("--tag") && tag !== undefined) {
    publish(home, tag, { dryRun: rest.includes("--dry-run") });
    return;
  }
  throw new Refusal("usage: node scripts/release.mjs prepare VERSION | publish --tag vVERSION [--dry-run]");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
