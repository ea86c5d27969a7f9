import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { resolveOptions } from "../src/options.js";

/** The documents' code blocks, as they are printed, compiled against the built package. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = `${root}.cache/documentation-worker`;
const read = (file: string): string => readFileSync(root + file, "utf8");

it("compiles every example strictly", () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const blocks = ["packages/worker/README.md", "docs/write/worker.md"].flatMap((file) =>
    [...read(file).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code),
  );
  expect(blocks).toHaveLength(2);
  for (const [index, code] of blocks.entries()) writeFileSync(`${folder}/example-${index}.mts`, code);
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, noEmit: true, types: ["node"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ["*.mts"] }));
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  expect(spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout).toBe("");
});

it("names every option, with the defaults that count", () => {
  const text = read("docs/write/worker.md");
  const source = read("packages/worker/src/options.ts");
  const declared = /interface ActivityWorkerOptions \{([^]*?)\n\}/.exec(source)?.[1] ?? "";
  for (const [, name = ""] of declared.matchAll(/^ {2}readonly (\w+)\??:/gm)) expect(text).toContain(`\`${name}\``);
  const { settings, abortBeforeEndMs } = resolveOptions({
    activities: { greet: () => 1 },
    taskQueue: "q",
    serverUrl: "http://127.0.0.1:1",
  });
  const { maxInFlight, drainMs } = settings;
  expect(maxInFlight).toBe(100);
  expect(settings.maxPolls).toBe(32);
  expect(text).toMatch(/`maxInFlight`\s*\| 100 /);
  expect(text).toMatch(/`maxPolls`\s*\| 32, at most `maxInFlight` /);
  expect(text).toContain(`${drainMs.toLocaleString("en")}; ${abortBeforeEndMs.toLocaleString("en")}`);
});
