// What every package.json of this repository says alike, from one place.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, workspaceFolders } from "./lib.mjs";

/** Where this repository lives. A placeholder until it is public: change it here, then run scripts/set-manifests.mjs. */
export const REPOSITORY = "https://github.com/durable-workflow/typescript-carrier";

/** The oldest Node that all of it is tested on. */
export const NODE = ">=20.19";

/** Every package.json, by its folder from the root on; "" is the root's own. */
export function manifestFolders() {
  return ["", ...workspaceFolders()];
}

export function manifestPath(folder) {
  return join(root, folder, "package.json");
}

/** The fields that a package.json has to have. What is published says where it comes from. */
export function commonFields(folder, { private: isPrivate = false }) {
  const common = { license: "MIT", engines: { node: NODE } };
  if (isPrivate) return common;
  return {
    ...common,
    homepage: `${REPOSITORY}/tree/main/${folder}#readme`,
    repository: { type: "git", url: `git+${REPOSITORY}.git`, directory: folder },
    bugs: { url: `${REPOSITORY}/issues` },
  };
}

/** Fields stand in this order before all others. */
const FIRST = ["name", "version", "private", "description", "keywords", "license", "homepage", "repository", "bugs"];
const SECOND = ["type", "sideEffects", "engines"];

/** The text of a package.json with the common fields in it. */
export function manifestText(folder) {
  const given = JSON.parse(readFileSync(manifestPath(folder), "utf8"));
  const fields = { ...given, ...commonFields(folder, given) };
  const order = [...FIRST, ...SECOND, ...Object.keys(fields)];
  const sorted = Object.fromEntries(order.filter((name) => name in fields).map((name) => [name, fields[name]]));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}
