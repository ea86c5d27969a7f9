import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";

/** The code blocks of the client's pages, as they are printed, compiled; the one that checks itself is run. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = `${root}.cache/client-documentation`;
const blocks = new Map<string, string>();
for (const document of ["docs/write/client.md", "packages/client/README.md"]) {
  const text = readFileSync(root + document, "utf8");
  [...text.matchAll(/^```ts\n(.*?)^```$/gms)].forEach((match, index) => {
    blocks.set(`${document.replaceAll(/[/.]/g, "-")}-${index + 1}`, match[1] ?? "");
  });
}

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of blocks) writeFileSync(`${folder}/${name}.ts`, code);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("there are some", () => {
  expect(blocks.size).toBe(4);
});

it("they compile", () => {
  const options = {
    target: "ES2022",
    module: "NodeNext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ["node"],
  };
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = join(dirname(manifest), "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8", cwd: root });
  expect(stdout).toBe("");
});

it("the example of a test passes", async () => {
  const name = [...blocks].find(([, code]) => code.includes("fakeClient"))?.[0] ?? "";
  const { code } = await transform(blocks.get(name) ?? "", { loader: "ts", format: "esm" });
  writeFileSync(`${folder}/${name}.mjs`, code);
  await import(/* @vite-ignore */ pathToFileURL(`${folder}/${name}.mjs`).href);
});
