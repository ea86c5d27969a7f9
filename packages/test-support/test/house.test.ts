import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { patience } from "../src/patience.js";
import { circles, House, importsIn, packageOf, roomsOf } from "../src/sources.js";

/** The laws of the whole house: who may import whom between packages, and that nobody imports each other. Types obey them too. */
const house = new House();

/** Lower never imports higher. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  carrier: [],
  "engine-protocol": ["carrier"],
  client: ["carrier", "engine-protocol"],
  dispatcher: ["carrier", "engine-protocol"],
  worker: ["carrier", "engine-protocol", "dispatcher"],
  "local-engine": ["carrier", "engine-protocol"],
  inspector: ["carrier", "engine-protocol"],
  cli: ["carrier", "engine-protocol", "client", "dispatcher", "local-engine", "inspector"],
};

/** What is bundled into files that are shipped: nobody installs it with the package. */
const BUNDLED: Readonly<Record<string, readonly string[]>> = { inspector: ["preact"] };

/** What is needed for what it brings, and never imported. */
const BROUGHT: Readonly<Record<string, readonly string[]>> = { "local-engine": ["@durable-workflow/sqlite-node20"] };

it("the packages are these", () => {
  expect(house.packages.map(({ folder }) => folder).toSorted()).toEqual(Object.keys(MAY_IMPORT).toSorted());
});

it("every import leads to a file", () => {
  const files = house.files();
  expect(files.size).toBeGreaterThan(400);
  const missing = [...files].flatMap(([file, imported]) =>
    imported.filter((one) => !files.has(one)).map((one) => `${file} -> ${one}`),
  );
  expect(missing).toEqual([]);
});

it("no two files import each other, however long the way round, nor do files of different packages", () => {
  expect(circles(house.files())).toEqual([]);
});

describe.each(house.packages.map((one) => [one.folder, one] as const))("%s", (folder, { sources, manifest }) => {
  it("imports lower packages only", () => {
    const above = (house.arrows().get(folder) ?? []).filter((one) => !MAY_IMPORT[folder]?.includes(one));
    expect(above).toEqual([]);
  });

  it("has no rooms that import each other, however long the way round", () => {
    expect(circles(roomsOf(sources))).toEqual([]);
  });

  it("declares every package that it imports, and needs none that it does not import", () => {
    const imported = new Set(
      sources.files
        .flatMap((file) => sources.importedPackages(file))
        // Names with # are of the package's own manifest.
        .filter((target) => !target.startsWith("node:") && !target.startsWith("#"))
        .map(packageOf),
    );
    const needed = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    // A peer may be handed over without its types being named.
    const declared = new Set([...needed, ...Object.keys(manifest.peerDependencies ?? {})]);
    expect([...imported].filter((name) => !declared.has(name) && !BUNDLED[folder]?.includes(name))).toEqual([]);
    // A package may be here for a sibling whose optional peer it is.
    const forSiblings = new Set(
      house.packages
        .filter((one) => imported.has(one.manifest.name))
        .flatMap((one) => Object.keys(one.manifest.peerDependencies ?? {})),
    );
    expect(needed.filter((name) => !imported.has(name) && !forSiblings.has(name))).toEqual(BROUGHT[folder] ?? []);
  });
});

it("folders are made with those above them in one place: Node's own way does not end below /proc on Node 20", () => {
  const recursive = /\bmkdir(?:Sync)?\((?:[^()]|\([^()]*\))*\brecursive\b/;
  expect("await mkdir(dirname(to), { recursive: true, mode: 0o700 })").toMatch(recursive);
  const found = house.packages.flatMap(({ folder, sources }) =>
    sources.files.filter((file) => recursive.test(sources.code(file))).map((file) => `${folder}/src/${file}`),
  );
  expect(found, "say makeFolders() of @durable-workflow/carrier/storage/local").toEqual([]);
});

/** Where tests reach into another package, and why. An entry that is not needed any more fails. */
const REACHES: Readonly<Record<string, string>> = {
  "packages/dispatcher/test/executor-config/verdicts.test.ts":
    "compares the verdicts of two packages, one of which is nobody's to import",
  "interop/vitest.config.ts": "vitest reads it before it can load the TypeScript of a package",
  "interop/support/codec-corpus.ts": "takes the values by which the carrier's own codec is tested",
};

it("what tests of several packages need is in test-support: they do not reach into each other's folders", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const files = ["packages", "interop", "examples", "benchmarks", "chaos"].flatMap((top) =>
    readdirSync(root + top, { recursive: true, encoding: "utf8" })
      .map((file) => `${top}/${file.replaceAll("\\", "/")}`)
      .filter((file) => /\.(?:ts|mjs)$/.test(file) && !/\/(?:dist|node_modules)\//.test(file)),
  );
  expect(files.length).toBeGreaterThan(600);
  const home = (file: string): string => /^(?:packages|examples)\/[^/]+\//.exec(file)?.[0] ?? file.split("/")[0] ?? "";
  const reaching = files.filter((file) =>
    importsIn(readFileSync(root + file, "utf8")).some(({ target }) => {
      if (!target.startsWith(".")) return false;
      const named = posix.join(dirname(file), target);
      // Scripts are for everybody, and built packages are what benchmarks measure.
      if (named.startsWith("scripts/") || (file.startsWith("benchmarks/") && named.includes("/dist/"))) return false;
      return home(named) !== home(file);
    }),
  );
  expect(new Set(reaching)).toEqual(new Set(Object.keys(REACHES)));
});

it("what a browser test reads of its page, it waits for: a page is drawn bit by bit", () => {
  const folder = fileURLToPath(new URL("../../../browser/", import.meta.url));
  const tests = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
  expect(tests.length).toBeGreaterThan(3);
  const once = /expect\(+await [^;]*?\.(?:count|textContent|innerText|inputValue|getAttribute|boundingBox|url)\(/g;
  expect("expect(await page.locator('.lane').count()).toBe(3)").toMatch(once);
  const found = tests.flatMap((name) => readFileSync(`${folder}${name}`, "utf8").match(once) ?? []);
  expect(found, "say expect.poll(() => ...)").toEqual([]);
});

/** What runs as a test, and what helps it. */
function testFiles(): readonly string[] {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  return ["packages", "interop", "runtimes", "browser", "chaos", "examples"].flatMap((top) =>
    readdirSync(root + top, { recursive: true, encoding: "utf8" })
      .map((file) => `${root}${top}/${file.replaceAll("\\", "/")}`)
      .filter((file) => file.endsWith(".ts") && !/\/(?:dist|node_modules)\//.test(file))
      .filter((file) => file.endsWith(".test.ts") || /\/test\/|\/support\//.test(file)),
  );
}

describe("time: a machine may be busy, and any process may stand still for seconds", () => {
  const files = testFiles().filter((file) => !file.endsWith("/house.test.ts"));
  const found = (wrong: RegExp): readonly string[] =>
    files.flatMap((file) => (readFileSync(file, "utf8").match(wrong) ?? []).map((text) => `${file}: ${text}`));

  it("all suites are as patient", () => {
    const root = fileURLToPath(new URL("../../../", import.meta.url));
    for (const suite of ["", "interop/", "runtimes/", "browser/"]) {
      expect(readFileSync(`${root}${suite}vitest.config.ts`, "utf8")).toContain("...patience,");
    }
  });

  it("no test gives itself less time than all have", () => {
    expect(files.length).toBeGreaterThan(400);
    const limits = files.flatMap((file) =>
      limitsIn(readFileSync(file, "utf8"))
        .filter((ms) => ms < patience.testTimeout)
        .map((ms) => `${file}: ${ms}`),
    );
    expect(limits, "leave it out").toEqual([]);
  });

  it("nothing is polled with another limit than all have", () => {
    expect(found(/\bvi\.wait(?:For|Until)\(/g), "say expect.poll(() => ...)").toEqual([]);
    expect("expect.poll(() => ({ a: 1 }), { timeout: 10_000 })").toMatch(POLL_LIMIT);
    expect(found(POLL_LIMIT)).toEqual([]);
  });
});

const POLL_LIMIT = /expect\.poll\([^;]*?\{ timeout: [\w]+/g;

/** The milliseconds that tests and hooks of a file are given, where they stand beside them. */
function limitsIn(text: string): readonly number[] {
  const lines = text.split("\n");
  const begins = /^\s*(?:it|test|before|after|describe|\])/;
  return lines.flatMap((line, at) => {
    const [, indent = "", last] = /^(\s*)\}, ([\d_]+)\);$/.exec(line) ?? [];
    const opener = lines.slice(0, at).findLast((one) => one.startsWith(indent) && /\S/.test(one[indent.length] ?? ""));
    const [, named] = /\btimeout: ([\d_]+)(?: \}, (?:async )?\(|,?$)/.exec(line) ?? [];
    const ms = last !== undefined && begins.test(opener ?? "") ? last : named;
    return ms === undefined ? [] : [Number(ms.replaceAll("_", ""))];
  });
}
