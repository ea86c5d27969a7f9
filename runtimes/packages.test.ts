import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { COMPILERS, compile } from "./support/compilers.js";
import { installPacked, type PackedPackage } from "./support/packed.js";
import { installedFile, work } from "./support/runtimes.js";

/** The packages as their users get them: from their tarballs, in the oldest and the newest of what they use. */
const folder = join(work, "packed");
const { missing } = installedFile("express");
let packages: readonly PackedPackage[] = [];

describe.skipIf(missing !== undefined)(
  `packed packages${missing === undefined ? "" : ` (left out: ${missing})`}`,
  () => {
    beforeAll(() => {
      packages = installPacked(folder);
      const entries = packages.flatMap((each) => each.entries);
      const imports = entries.map((entry, index) => `import * as entry${index} from "${entry}";`);
      const names = entries.map((_, index) => `entry${index}`);
      writeFileSync(join(folder, "entries.mts"), `${imports.join("\n")}\nexport const all = [${names.join(", ")}];\n`);
      writeFileSync(join(folder, "entries.mjs"), `${imports.join("\n")}\nconsole.log([${names.join(", ")}].length);\n`);
      const required = entries.map((entry) => `require("${entry}")`);
      writeFileSync(join(folder, "entries.cjs"), `console.log([${required.join(",\n")}].length);\n`);
      cpSync(fileURLToPath(new URL("types/consumer.ts", import.meta.url)), join(folder, "consumer.ts"));
      const compilerOptions = {
        module: "NodeNext",
        target: "ES2022",
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types: ["node"],
      };
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions, files: ["consumer.ts", "entries.mts"] }),
      );
    });

    it("there are several, with many doors", () => {
      expect(packages.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["@durable-workflow/carrier", "@durable-workflow/dispatcher"]),
      );
      expect(packages.flatMap(({ entries }) => entries).length).toBeGreaterThan(25);
    });

    it.each(COMPILERS)("have types that fit, each of them, under TypeScript $name", ({ path }) => {
      // What the types of a dependency want of a compiler is its own: Google's storage client wants 5.7.
      const ours = compile(path, folder)
        .split("\n")
        .filter((line) => !/node_modules\/(?!@durable-workflow\/)(?!.*node_modules\/@durable-workflow)/.test(line));
      expect(ours.join("\n").trim()).toBe("");
    });

    it.each([
      ["20", "entries.mjs"],
      ["20", "entries.cjs"],
      ["26", "entries.mjs"],
      ["26", "entries.cjs"],
    ])("are all there in Node %s, by %s", (version, file) => {
      const node = installedFile(`node-${version}/bin/node`);
      const args = ["--no-warnings", join(folder, file)];
      const { stdout, stderr } = spawnSync(node.path, args, { encoding: "utf8", cwd: folder });
      expect([stdout.trim(), stderr]).toEqual([String(packages.flatMap(({ entries }) => entries).length), ""]);
    });

    const NODE_ONLY = /\/(?:node|serve|express|fastify|koa|google-cloud-functions|storage\/local|storage\/s3-aws-sdk)$/;

    it("bundle for workers without Node: every door of the carrier that does not name it", async () => {
      const doors = packages
        .filter(({ name }) => name === "@durable-workflow/carrier")
        .flatMap(({ entries }) => entries)
        .filter((entry) => !NODE_ONLY.test(entry));
      expect(doors.length).toBeGreaterThan(12);
      const stdin = { contents: doors.map((door) => `export * from "${door}";`).join("\n"), resolveDir: folder };
      // What is not there for browsers, `node:` among it, ends it.
      const { outputFiles } = await build({
        stdin,
        bundle: true,
        format: "esm",
        platform: "browser",
        conditions: ["workerd", "worker"],
        write: false,
        logLevel: "silent",
      });
      expect(outputFiles[0]?.text).not.toMatch(/from "node:|require\("node:|\bBuffer\.from\(/);
    });
  },
);
