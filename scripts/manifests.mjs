// What every package.json of this repository says alike, from one place.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, workspaceFolders } from "./lib.mjs";

/** Where this repository lives. A placeholder until it is public: change it here, then run scripts/set-manifests.mjs. */
export const REPOSITORY = "https://github.com/durable-workflow/typescript-carrier";

/** The oldest Node that all of it is tested on. */
export const NODE = ">=20.19";

/** Packages that are for other Nodes, with the reason. */
const OTHER_NODES = {
  // Those without `node:sqlite`. Package managers leave an optional dependency out where its engines do not fit.
  "packages/sqlite-node20": ">=20.19 <22.13 || >=23 <23.4",
};

/** Every package.json, by its folder from the root on; "" is the root's own. */
export function manifestFolders() {
  return ["", ...workspaceFolders()];
}

export function manifestPath(folder) {
  return join(root, folder, "package.json");
}

/** The fields that a package.json has to have. What is published says where it comes from. */
export function commonFields(folder, { private: isPrivate = false }) {
  const common = { license: "MIT", engines: { node: OTHER_NODES[folder] ?? NODE } };
  if (isPrivate) return common;
  return {
    ...common,
    homepage: `${REPOSITORY}/tree/main/${folder}#readme`,
    repository: { type: "git", url: `git+${REPOSITORY}.git`, directory: folder },
    bugs: { url: `${REPOSITORY}/issues` },
  };
}

/** What users install with a package from elsewhere. */
const INSTALLED = ["dependencies", "optionalDependencies"];

/**
 * What a version of a dependency is written as. What users install is a caret range, so that it is shared with what else they
 * have, and its mends reach them without a release of ours; `npm run test:runtimes -- install` runs the lowest that each range
 * allows. Tools are pinned, so that every clone has the same; our own packages are released together, and want each other exactly.
 */
export function versionText(kind, name, version, isPrivate) {
  if (name.startsWith("@durable-workflow/") || isPrivate || !INSTALLED.includes(kind)) return version;
  return /^\d/.test(version) ? `^${version}` : version;
}

/** Fields stand in this order before all others. */
const FIRST = ["name", "version", "private", "description", "keywords", "license", "homepage", "repository", "bugs"];
const SECOND = ["type", "sideEffects", "engines"];

/** The text of a package.json with the common fields in it. */
export function manifestText(folder) {
  const given = JSON.parse(readFileSync(manifestPath(folder), "utf8"));
  const fields = { ...given, ...commonFields(folder, given) };
  for (const kind of INSTALLED) {
    if (fields[kind] === undefined) continue;
    fields[kind] = Object.fromEntries(
      Object.entries(fields[kind]).map(([name, version]) => [
        name,
        versionText(kind, name, version, given.private === true),
      ]),
    );
  }
  const order = [...FIRST, ...SECOND, ...Object.keys(fields)];
  const sorted = Object.fromEntries(order.filter((name) => name in fields).map((name) => [name, fields[name]]));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}
