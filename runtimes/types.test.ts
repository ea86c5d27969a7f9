import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { COMPILERS, compile } from "./support/compilers.js";
import { work } from "./support/runtimes.js";

const own = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

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
    expect(compile(path, folder)).toBe("");
  });
});
