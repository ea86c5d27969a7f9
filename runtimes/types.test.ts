import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { installedFile, work } from "./support/runtimes.js";

const own = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const COMPILERS = [
  { name: "5.6", ...installedFile("typescript-5.6/bin/tsc") },
  { name: "6", ...installedFile("typescript-6/bin/tsc6") },
  { name: "7", path: own("../node_modules/typescript/bin/tsc"), missing: installedFile("express").missing },
];

/** What the adapters make is what the platforms' own types want. */
describe.each(COMPILERS)("types of the platforms, TypeScript $name", ({ path, missing }) => {
  const folder = join(work, "types");
  beforeAll(() => {
    cpSync(own("types"), folder, { recursive: true });
    const compilerOptions = {
      module: "NodeNext",
      target: "ES2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      // Types of frameworks are not ours to judge.
      skipLibCheck: true,
      noEmit: true,
      types: ["node"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["handlers.ts"] }));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  });

  it.skipIf(missing !== undefined)(missing === undefined ? "fit" : `fit (left out: ${missing})`, () => {
    const { stdout, stderr } = spawnSync(process.execPath, [path, "-p", folder], { encoding: "utf8", cwd: folder });
    expect(stdout + stderr).toBe("");
  });
});
