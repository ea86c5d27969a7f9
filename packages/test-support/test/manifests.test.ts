import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
// @ts-expect-error -- a script, without types
import * as scripts from "../../../scripts/manifests.mjs";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly repository?: { readonly url: string; readonly directory: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const { manifestFolders, manifestPath, manifestText, REPOSITORY } = scripts as {
  readonly manifestFolders: () => readonly string[];
  readonly manifestPath: (folder: string) => string;
  readonly manifestText: (folder: string) => string;
  readonly REPOSITORY: string;
};

const read = (folder: string): Manifest => JSON.parse(readFileSync(manifestPath(folder), "utf8")) as Manifest;
const published = manifestFolders().filter((folder) => read(folder).private !== true);

it("finds the manifests", () => {
  expect(manifestFolders()).toEqual(expect.arrayContaining(["", "packages/carrier", "examples/billing"]));
  expect(published.length).toBeGreaterThan(4);
});

describe.each(manifestFolders())("%s/package.json", (folder) => {
  it("says what all say: write it with node scripts/set-manifests.mjs", () => {
    expect(readFileSync(manifestPath(folder), "utf8")).toBe(manifestText(folder));
  });
});

describe.each(published)("%s/package.json", (folder) => {
  it("says where it comes from", () => {
    expect(read(folder).repository).toEqual({ type: "git", url: `git+${REPOSITORY}.git`, directory: folder });
  });

  it("names its commands as npm publish writes them itself: it warns of a path that begins with ./", () => {
    for (const target of Object.values(read(folder).bin ?? {})) expect(target).toMatch(/^\w/);
  });

  it("wants its siblings in exactly its own version", () => {
    const { version, dependencies = {} } = read(folder);
    const siblings = published.map(read);
    for (const { name, version: theirs } of siblings) {
      expect(theirs).toBe(version);
      expect(dependencies[name] ?? version, name).toBe(version);
    }
  });
});
