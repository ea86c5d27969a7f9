// node scripts/record.mjs: runs the main job and writes what it prints to docs/recordings/main-job.txt, without what
// differs from one run to the next. A test compares.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./lib.mjs";

export const RECORDING = `${root}docs/recordings/main-job.txt`;

/** What the main job printed, from its first command on, with its times, ids and ports made alike. */
export function normalize(output) {
  const ids = new Map();
  const text = output
    .slice(Math.max(0, output.indexOf("$ dw-carrier")))
    .replaceAll("\r\n", "\n")
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+\//g, "http://127.0.0.1:49152/")
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+(?=\s)/g, "http://127.0.0.1:7070")
    .replaceAll(/^(page {5}\S+):49152\/$/gm, "$1:7070/")
    .replaceAll(/^(engine {3}\S+ {2}).*$/gm, "$1.dw/engine.sqlite")
    .replaceAll(/ --data \S+/g, "")
    .replaceAll(/\b01[0-9a-z]{24}\b/g, (id) => {
      if (!ids.has(id)) ids.set(id, `01m8${String(ids.size + 1).padStart(22, "0")}`);
      return ids.get(id);
    })
    .replaceAll(/\bledger-[0-9a-z]{8}\b/g, "ledger-2026a001")
    .replaceAll(/\bafter [\d.]+ m?s\b/g, "after 1.0 s")
    .replaceAll(/\bat \d+ of 12 months/g, "at 2 of 12 months");
  return withoutBars(text);
}

const BAR = /^( +)\[[#-]+\] \d+\/12 months$/;

/** How many heartbeats there are, and which come before the cancellation, depends on how busy the machine is. */
function withoutBars(text) {
  let isFirst = true;
  const lines = text.split("\n").flatMap((line) => {
    const [, indent] = BAR.exec(line) ?? [];
    if (indent === undefined) return [line];
    const shown = isFirst ? [`${indent}[------------------------] 0/12 months`, `${indent}...`] : [];
    isFirst = false;
    return shown;
  });
  return lines.join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const data = mkdtempSync(join(tmpdir(), "main-job-"));
  const job = [join(root, "scripts", "main-job.mjs"), "--data", data];
  const { stdout, stderr, status } = spawnSync(process.execPath, job, { cwd: root, encoding: "utf8" });
  rmSync(data, { recursive: true });
  if (status === 0) writeFileSync(RECORDING, normalize(stdout));
  else console.error(stdout, stderr);
  process.exitCode = status ?? 1;
}
