// What importing a bundle of an adapter costs over importing an empty module, in processes of their own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { median } from "./lib.mjs";

const ROUNDS = 15;

export async function startupBenchmarks() {
  const folder = mkdtempSync(join(tmpdir(), "carrier-startup-"));
  const files = { empty: join(folder, "empty.mjs") };
  writeFileSync(files.empty, "export {};\n");
  for (const adapter of ["fetch", "lambda"]) {
    files[adapter] = join(folder, `${adapter}.mjs`);
    const entry = fileURLToPath(new URL(`../packages/carrier/dist/doors/${adapter}.js`, import.meta.url));
    await build({ entryPoints: [entry], bundle: true, minify: true, format: "esm", outfile: files[adapter] });
  }
  const times = Object.fromEntries(Object.keys(files).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, file] of Object.entries(files)) times[name].push(importTime(file));
  }
  rmSync(folder, { recursive: true });
  console.log("\nimporting a bundle, over an empty module");
  for (const adapter of ["fetch", "lambda"]) {
    const cost = median(times[adapter]) - median(times.empty);
    console.log(`  ${adapter.padEnd(7)} ${cost.toFixed(2)} ms  aim 2 ms: ${cost <= 2 ? "met" : "MISSED"}`);
  }
}

function importTime(file) {
  const url = JSON.stringify(pathToFileURL(file).href);
  const code = `const s = performance.now(); await import(${url}); console.log(performance.now() - s);`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  return Number(stdout);
}
