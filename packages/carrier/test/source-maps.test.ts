import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const PACKAGE = fileURLToPath(new URL("../", import.meta.url));
const DOORS = join(PACKAGE, "dist/doors");

it("leads stack traces and debuggers from each bundled door to the sources that it was made of", () => {
  const maps = readdirSync(DOORS, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".map"));
  expect(maps.length).toBeGreaterThan(20);
  const sources = maps.flatMap((name) => {
    const file = join(DOORS, name);
    const { sources: named } = JSON.parse(readFileSync(file, "utf8")) as { readonly sources: readonly string[] };
    return named.map((source) => resolve(dirname(file), source));
  });
  expect(new Set(sources.map((file) => relative(PACKAGE, file).split(/[\\/]/)[0]))).toEqual(new Set(["src"]));
  expect(sources.filter((file) => !existsSync(file))).toEqual([]);
});
