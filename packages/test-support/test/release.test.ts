import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
// @ts-expect-error -- a script, without types
import * as manifests from "../../../scripts/manifests.mjs";
// @ts-expect-error -- a script, without types
import * as release from "../../../scripts/release.mjs";

const { compareVersions, packagesOf, prepare, releasedChangelog } = release as {
  readonly compareVersions: (one: string, other: string) => number;
  readonly packagesOf: (root: string) => readonly { readonly folder: string; readonly manifest: Manifest }[];
  readonly prepare: (root: string, version: string, options: { date: string; lock: boolean }) => void;
  readonly releasedChangelog: (text: string, version: string, date: string) => string;
};
const { REPOSITORY } = manifests as { readonly REPOSITORY: string };

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (file: string): string => readFileSync(file, "utf8");

describe("versions", () => {
  it("stand in the order of semantic versioning", () => {
    const ordered = ["0.1.0-rc.2", "0.1.0-rc.10", "0.1.0", "0.1.1", "0.10.0", "1.0.0"];
    expect(ordered.toReversed().toSorted(compareVersions)).toEqual(ordered);
  });

  it.each(["1.0", "v1.0.0", "01.0.0", "1.0.0-", ""])("%j is none", (text) => {
    expect(() => compareVersions(text, "1.0.0")).toThrow(/is no version: give it as 1\.2\.3/);
  });
});

describe("the changelog", () => {
  it("gets a part with version and date, and an empty Unreleased part above it", () => {
    const text = "# Changelog\n\n## Unreleased\n\n### a\n\n- one\n\n## 0.1.0 - 2026-01-01\n\n- zero\n";
    expect(releasedChangelog(text, "0.2.0", "2026-02-02")).toBe(
      "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-02-02\n\n### a\n\n- one\n\n## 0.1.0 - 2026-01-01\n\n- zero\n",
    );
  });

  it("is refused where nothing is in it", () => {
    expect(() => releasedChangelog("## Unreleased\n\n## 0.1.0 - 2026-01-01\n- zero\n", "0.2.0", "x")).toThrow(
      /what do users get/,
    );
  });
});

it("packages are published after those that they need", () => {
  const names = packagesOf(root).map(({ manifest }) => manifest.name);
  for (const { manifest } of packagesOf(root)) {
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      if (names.includes(name)) expect(names.indexOf(name)).toBeLessThan(names.indexOf(manifest.name));
    }
  }
});

describe("prepare, in a copy of the manifests", () => {
  let copy: string;

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "release-"));
    const files = execFileSync(
      "git",
      ["ls-files", "CHANGELOG.md", "package.json", "packages/*/package.json", "examples/*/package.json"],
      { cwd: root, encoding: "utf8" },
    );
    for (const file of files.trim().split("\n")) cpSync(join(root, file), join(copy, file));
  });
  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  it("moves every package, and whoever names one, to one version", () => {
    prepare(copy, "0.2.0", { date: "2026-12-24", lock: false });
    const ours = new Set(packagesOf(copy).map(({ manifest }) => manifest.name));
    for (const { manifest } of packagesOf(copy)) {
      expect(manifest.version, manifest.name).toBe("0.2.0");
      for (const [name, range] of Object.entries(manifest.dependencies ?? {}))
        if (ours.has(name)) expect(range).toBe("0.2.0");
    }
    for (const example of readdirSync(join(copy, "examples"))) {
      const { dependencies = {} } = JSON.parse(read(join(copy, "examples", example, "package.json"))) as Manifest;
      for (const [name, range] of Object.entries(dependencies))
        if (ours.has(name)) expect(range).toMatch(/^\^?0\.2\.0$/);
    }
    expect(read(join(copy, "CHANGELOG.md"))).toMatch(
      /## Unreleased\n\n## 0\.2\.0 - 2026-12-24\n\n### @durable-workflow/,
    );
  });

  it("changes nothing where the version goes back, or nothing is to tell", () => {
    const before = read(join(copy, "packages/carrier/package.json"));
    expect(() => prepare(copy, "0.0.9", { date: "x", lock: false })).toThrow(/0\.0\.9 does not come after/);
    writeFileSync(join(copy, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n");
    expect(() => prepare(copy, "0.2.0", { date: "x", lock: false })).toThrow(/what do users get/);
    expect(read(join(copy, "packages/carrier/package.json"))).toBe(before);
  });
});

it("a tag that does not say the packages' version publishes nothing", () => {
  const result = spawnSync(process.execPath, ["scripts/release.mjs", "publish", "--tag", "v99.0.0", "--dry-run"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(/is at \d+\.\d+\.\d+.*, the tag says v99\.0\.0: run prepare first/);
});

it("forms and owners name the one address of the repository", () => {
  const files = readdirSync(join(root, ".github"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(?:ya?ml|md|json)$/.test(name),
  );
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    for (const [address] of read(join(root, ".github", file)).matchAll(
      /https:\/\/github\.com\/durable-workflow\/[a-z-]+/g,
    ))
      expect(address, file).toBe(REPOSITORY);
  }
});
