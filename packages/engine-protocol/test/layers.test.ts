import { readdirSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and that nothing here does anything. Types obey them too. */
const src = fileURLToPath(new URL("../src/", import.meta.url));

/** A folder may import itself, the files at the top, and those listed. The files at the top import each other only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  control: ["external-payloads"],
  worker: ["control"],
  "executor-config": [],
  "external-payloads": [],
};

/** The one package below: the carrier's own contract. */
const BELOW = "@durable-workflow/carrier/protocol";

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

const source = (file: string): string => readFileSync(src + file, "utf8");
/** The code without comments: prose may name what code may not. */
const code = (file: string): string => source(file).replaceAll(/\/\*.*?\*\/|(?<!:)\/\/[^\n]*/gs, "");
const folderOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "");
const imports = (file: string): string[] =>
  [...source(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
const importedFiles = (file: string): string[] =>
  imports(file)
    .filter((target) => target.startsWith("."))
    .map((target) =>
      relative(src, resolve(dirname(src + file), target))
        .replaceAll("\\", "/")
        .replace(/\.js$/, ".ts"),
    );

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(20);
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files)("%s", (file) => {
  it("imports its own layer and lower ones, and of the packages the carrier's protocol alone", () => {
    for (const target of imports(file).filter((one) => !one.startsWith("."))) expect(target).toBe(BELOW);
    const folder = folderOf(file);
    for (const imported of importedFiles(file)) {
      expect(["", folder, ...(MAY_IMPORT[folder] ?? [])], imported).toContain(folderOf(imported));
    }
  });

  it("is pure: no clock, no chance, no process, no network", () => {
    expect(code(file)).not.toMatch(
      /\bconsole\.|\bprocess\.|\bBuffer\b|\bfetch\(|Date\.now|new Date\(\)|performance\.|Math\.random|setTimeout/,
    );
  });
});

it("no two files import each other, however long the way round", () => {
  const seen = new Map<string, "open" | "closed">();
  const visit = (file: string, way: readonly string[]): void => {
    if (seen.get(file) === "closed") return;
    expect(way, [...way, file].join(" -> ")).not.toContain(file);
    seen.set(file, "open");
    for (const imported of importedFiles(file)) visit(imported, [...way, file]);
    seen.set(file, "closed");
  };
  for (const file of files) visit(file, []);
});

it("every index.ts only re-exports", () => {
  for (const file of files.filter((one) => one.endsWith("index.ts"))) {
    const rest = code(file).replaceAll(/export (?:type )?(?:\*|\{[^}]*\}) from "[^"]+";/g, "");
    expect(rest.trim(), file).toBe("");
  }
});
