import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

/**
 * Every block of TypeScript on any page compiles, strictly, against the packages as they are built. Tests of the packages run
 * most of them, too; here no page is left out that nobody has listed there.
 */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = join(root, ".cache/code-blocks");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Pages whose blocks belong to files that a test lays out, and compiles there. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "docs/getting-started.md": "packages/cli/test/getting-started.test.ts",
  "CONTRIBUTING.md": "packages/cli/test/contributor-walk.test.ts",
};
/** Pages of platforms show what `examples/` has, which is compiled and started in its runtime. */
const OF_EXAMPLES = /^docs\/deploy\//;

const markdown = (top: string): readonly string[] =>
  readdirSync(join(root, top), { recursive: true, encoding: "utf8" })
    .map((file) => `${top}/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".md"));
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith(".md")),
  ...markdown("docs"),
  ...readdirSync(join(root, "packages"))
    .map((name) => `packages/${name}/README.md`)
    .filter((file) => existsSync(join(root, file))),
];

function blocksOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^ *```ts\b[^\n]*\n([^]*?)^ *```$/gm)].map(([, code = ""]) => code);
}

it("the blocks of every page compile", () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let count = 0;
  for (const page of pages.filter((one) => ELSEWHERE[one] === undefined && !OF_EXAMPLES.test(one))) {
    for (const [index, code] of blocksOf(page).entries()) {
      // A module, also where it imports and exports nothing.
      writeFileSync(join(folder, `${page.replaceAll(/[/.]/g, "-")}-${index + 1}.ts`), `${code}\nexport {};\n`);
      count++;
    }
  }
  expect(count).toBeGreaterThan(40);
  const compilerOptions = {
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable"],
    strict: true,
    noEmit: true,
    types: ["node"],
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  expect(spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout).toBe("");
});

it.each(Object.entries(ELSEWHERE))("the blocks of %s are compiled by %s", (page, test) => {
  expect(blocksOf(page).length).toBeGreaterThan(0);
  expect(readFileSync(join(root, test), "utf8")).toContain(page.replace(/^.*\//, ""));
});

it.each(pages.filter((page) => OF_EXAMPLES.test(page)))("%s names the example that it shows", (page) => {
  const [, example = ""] = /`(examples\/\w+)`/.exec(readFileSync(join(root, page), "utf8")) ?? [];
  expect(existsSync(join(root, example, "package.json"))).toBe(true);
});
