import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const PAGE = fileURLToPath(new URL("../../../docs/understand/guarantees.md", import.meta.url));
const page = readFileSync(PAGE, "utf8");

interface Shown {
  readonly file: string;
  readonly path: string;
  /** As the page has it: `…` stands for what varies. */
  readonly name: string;
}

/** Tests that the page names: a link to the file, and what the test is called. */
const shown: readonly Shown[] = [...page.matchAll(/\[`([^`]+\.test\.ts)`\]\(([^)]+)\) "([^"]+)"/g)].map(
  ([, file = "", path = "", name = ""]) => ({ file, path, name }),
);

const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

/** A call that defines a test or a group of this name, wherever its table of cases may stand. */
function definition(name: string): RegExp {
  const pattern = name.split("…").map(escaped).join(String.raw`[^\n]*?`);
  return new RegExp(`(?:\\b(?:it|describe)(?:\\.(?:each|runIf|concurrent))?\\(|\\)\\()\\s*(["'\`])${pattern}\\1`);
}

describe("docs/understand/guarantees.md", () => {
  it("names tests, and names them all in the way that is checked here", () => {
    expect(shown.length).toBeGreaterThan(40);
    expect(page.match(/\.test\.ts`\]/g)).toHaveLength(shown.length);
  });

  it.each(shown)('$file has the test "$name"', ({ file, path, name }) => {
    const target = resolve(dirname(PAGE), path);
    expect(existsSync(target), path).toBe(true);
    expect(path.endsWith(`/${file}`), `${path} is the place of ${file}`).toBe(true);
    expect(readFileSync(target, "utf8")).toMatch(definition(name));
  });

  it("has a test for every fault, and nothing else stands in its tables", () => {
    const rows = page.split("\n").filter((line) => /^\| (?!-|fault )/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) expect(row, row).toMatch(/\.test\.ts`\]\([^)]+\) "[^"]+"/);
  });
});

it("a name that no test has is found out", () => {
  const source =
    'it("is there", () => {}); it.each([1])("counts %i", () => {});\nit.each([\n  2,\n])(`is ${SEED} too`, run);';
  for (const name of ["is there", "counts …", "is … too"]) expect(source).toMatch(definition(name));
  for (const name of ["is", "is not there", "counts", "too"]) expect(source).not.toMatch(definition(name));
});
