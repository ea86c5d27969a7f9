import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { installedFile } from "./support/runtimes.js";

/** The local engine's tests of what it does with SQLite, on each Node: libsql on 20, Node's own SQLite on the others. */
const VITEST = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TESTS = [
  "src/store",
  "test/backup",
  "test/disk-full",
  "test/kill",
  "test/model",
  "test/payload-life",
  "test/timers",
];

for (const version of [20, 22, 24, 26]) {
  const { path, missing } = installedFile(`node-${version}/bin/node`);
  const name = `the local engine keeps its promises on Node ${version}`;
  if (missing === undefined) {
    it(name, { timeout: 600_000 }, () => {
      const files = TESTS.map((one) => `packages/local-engine/${one}`);
      const args = [VITEST, "run", "--maxWorkers=1", ...files];
      const { status, stdout, stderr } = spawnSync(path, args, { cwd: ROOT, encoding: "utf8" });
      expect(status, `${stdout.slice(-4000)}${stderr.slice(-2000)}`).toBe(0);
    });
  } else {
    it.skip(`${name}: ${missing}`, () => undefined);
  }
}
