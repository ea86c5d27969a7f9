// npm run ci: all that CI runs, from a fresh clone on. Ends with one line that sums up every suite.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, ensureInstalled, root, run, runBin } from "./lib.mjs";

const totals = { passed: 0, failed: 0, skipped: 0 };

function step(name, action) {
  console.log(`\n== ${name}`);
  const started = Date.now();
  const ok = action();
  console.log(`== ${name}: ${ok ? "ok" : "FAILED"} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return ok;
}

/** A check counts as one test. */
function check(name, action) {
  totals[step(name, action) ? "passed" : "failed"]++;
}

function script(file, ...args) {
  return run(process.execPath, [join(root, "scripts", file), ...args]);
}

ensureInstalled();
build();
check("format", () => runBin("biome", ["check", "."]));
check("lint", () => runBin("oxlint", ["--type-aware"]));
const programs = [
  "packages/inspector/tsconfig.page.json",
  "browser",
  "tsconfig.test.json",
  "benchmarks/tsconfig.check.json",
  "benchmarks/dispatcher/tsconfig.check.json",
  "chaos",
];
check("types", () => programs.every((program) => runBin("tsc", ["-p", program])));
check("packages", () => script("check-packages.mjs"));
check("api", () => script("check-api.mjs"));
check("size", () => script("check-size.mjs"));
check("site", () => script("docs.mjs"));
check("chaos", () =>
  run(process.execPath, [join(root, "chaos/run.mjs"), "--tasks", "10000", "--minutes", "1.6", "--seed", "683289"]),
);

const reports = mkdtempSync(join(tmpdir(), "carrier-ci-"));

/** Runs vitest as a step, and counts each of its tests. */
function suite(name, ...args) {
  step(name, () => {
    const file = join(reports, `${name}.json`);
    const ok = runBin("vitest", [
      "run",
      ...args,
      "--reporter=default",
      "--reporter=./scripts/skip-reporter.mjs",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ]);
    try {
      const report = JSON.parse(readFileSync(file, "utf8"));
      totals.passed += report.numPassedTests;
      totals.failed += report.numFailedTests;
      totals.skipped += report.numPendingTests + report.numTodoTests;
      // A suite that broke before its tests has none to count.
      if (!ok && report.numFailedTests === 0) totals.failed++;
    } catch {
      totals.failed++;
    }
    return ok;
  });
}

suite("tests", "--coverage");
suite("interop", "--config", "interop/vitest.config.ts");
suite("runtimes", "--config", "runtimes/vitest.config.ts");
suite("inspector", "--config", "browser/vitest.config.ts");
rmSync(reports, { recursive: true, force: true });

console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;
