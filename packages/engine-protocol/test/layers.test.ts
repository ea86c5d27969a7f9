import { folderOf, SourceTree } from "@durable-workflow/test-support/sources";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and that nothing here does anything. Types obey them too. */
const sources = new SourceTree(new URL("../src/", import.meta.url));
const { files } = sources;

/** A folder may import itself, the files at the top, and those listed. The files at the top import each other only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  control: ["external-payloads"],
  worker: ["control"],
  "executor-config": [],
  "external-payloads": [],
};

/** The one package below: the carrier's own contract. */
const BELOW = "@durable-workflow/carrier/protocol";

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(20);
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files)("%s", (file) => {
  it("imports its own layer and lower ones, and of the packages the carrier's protocol alone", () => {
    for (const target of sources.importedPackages(file)) expect(target).toBe(BELOW);
    const folder = folderOf(file);
    for (const imported of sources.importedFiles(file)) {
      expect(["", folder, ...(MAY_IMPORT[folder] ?? [])], imported).toContain(folderOf(imported));
    }
  });

  it("is pure: no clock, no chance, no process, no network", () => {
    expect(sources.code(file)).not.toMatch(
      /\bconsole\.|\bprocess\.|\bBuffer\b|\bfetch\(|Date\.now|new Date\(\)|performance\.|Math\.random|setTimeout/,
    );
  });
});

it("every index.ts only re-exports", () => {
  for (const file of files.filter((one) => one.endsWith("index.ts"))) {
    expect(sources.besideExports(file), file).toBe("");
  }
});
