// npm run bench:peers [-- --rounds N] [--scale X] [--write]: beside what users would pick instead, in turns within one run. With
// --write, docs/project/benchmarks.md is written anew.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import { dev, separate } from "./chain/ours.mjs";
import { runPhases } from "./chain/phases.mjs";
import { cannotMeasure } from "./chain/processes.mjs";
import { bareRoundTripUs } from "./chain.mjs";
import { median } from "./lib.mjs";
import { installPeers } from "./peers/install.mjs";
import { carrier, codecs } from "./peers/languages.mjs";
import { bullmq, dbos, restate } from "./peers/systems.mjs";
import { smallTask } from "./task.mjs";

const PAGE = fileURLToPath(new URL("../docs/project/benchmarks.md", import.meta.url));
const PHASES = ["lone", "call", "queue", "64 KiB", "1 MiB"];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
});
if (cannotMeasure !== undefined) {
  console.error(`bench:peers needs Linux: ${cannotMeasure}`);
  process.exit(1);
}
const rounds = Number(values.rounds);
const scale = Number(values.scale);
const started = new Date();
const { folder, missing } = installPeers();
const peers = folder === undefined ? [] : [restate(folder), bullmq(folder), dbos(folder)];
/** @type {any[]} */
const systems = [{ ...separate, name: "ours, three processes" }, { ...dev, name: "ours, `dev`" }, ...peers];
const left = missing === undefined ? [] : [["Restate, BullMQ, DBOS", missing]];
for (const one of systems) if (one.missing !== undefined) left.push([one.name, one.missing]);

const bare = [];
/** @type {Map<string, Record<string, any>[]>} */
const figures = new Map();
for (let round = 1; round <= rounds; round++) {
  console.log(`round ${round} of ${rounds}`);
  bare.push(await bareRoundTripUs());
  for (const system of systems) {
    if (system.missing !== undefined) continue;
    try {
      const found = await runPhases(system, PHASES, { scale });
      figures.set(system.name, [...(figures.get(system.name) ?? []), found]);
      const line = PHASES.map((phase) => `${phase} ${found[phase].cpuUs.toFixed(0)} us`).join(", ");
      console.log(`  ${system.name}: ${line}`);
    } catch (error) {
      left.push([system.name, `it failed: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`]);
      system.missing = "failed";
    }
  }
}

const of = (name, phase, key) => median((figures.get(name) ?? []).map((one) => one[phase][key]));
const ours = "ours, three processes";
const rows = [...figures.keys()].map((name) => {
  const cells = PHASES.flatMap((phase) => {
    const us = of(name, phase, "cpuUs");
    return [(us / of(ours, phase, "cpuUs")).toFixed(2)];
  });
  const rate = (phase) => (of(name, phase, "perSecond") / of(ours, phase, "perSecond")).toFixed(2);
  const p50 = (of(name, "lone", "p50Ms") / of(ours, "lone", "p50Ms")).toFixed(2);
  return [name, cells, rate("call"), rate("queue"), p50].flat();
});
const head = ["system", ...PHASES.map((phase) => `CPU, ${phase}`), "tasks/s, call", "tasks/s, queue", "p50, lone"];
const languages = mkdtempSync(join(tmpdir(), "dw-peers-"));
const codecFigures = folder === undefined ? {} : codecs(folder);
const [ownDecode, ownEncode] = codecFigures["ours, Node"]?.us ?? [1, 1];
const codecRows = Object.entries(codecFigures).flatMap(([name, { us, missing: why }]) => {
  if (us !== undefined) return [[name, (us[0] / ownDecode).toFixed(2), (us[1] / ownEncode).toFixed(2)]];
  left.push([name, why]);
  return [];
});
const task = smallTask();
const envelope = {
  ...task,
  task: { ...task.task, handler: "greet" },
  payloads: { arguments: payloadEnvelope(["Ada"]) },
};
const carrierRows = [];
const own = await carrier("ours", languages, envelope);
for (const [name, kind] of [
  ["ours, `serve`", "ours"],
  ["Python SDK behind uvicorn", "python"],
]) {
  const found = kind === "ours" ? own : await carrier(kind, folder ?? languages, envelope);
  if (found.missing === undefined)
    carrierRows.push([name, (found.cpuUs / own.cpuUs).toFixed(2), (found.perSecond / own.perSecond).toFixed(2)]);
  else left.push([name, found.missing]);
}
rmSync(languages, { recursive: true, force: true });

/** As the formatter has it. */
const table = (titles, lines) => {
  const rowsOfAll = [titles, ...lines];
  const widths = titles.map((_, column) => Math.max(...rowsOfAll.map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...lines.map(line)].join("\n");
};
const absolute = PHASES.filter((phase) => phase !== "lone")
  .map((phase) => `${phase}: ${of(ours, phase, "cpuUs").toFixed(0)} us`)
  .join("; ");
const settings = peers.filter((one) => one.settings !== undefined && figures.has(one.name));
const text = `# Benchmarks

Written by \`npm run bench:peers -- --write\`: ${rounds} rounds in turns within one run, medians, on ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), Node
${process.versions.node}, ${started.toISOString().slice(0, 10)}. Figures are ratios to our three processes (engine, dispatcher, carrier): CPU and p50 below 1 are better than
ours, tasks/s above 1. CPU is user and system time of all servers and workers; the caller's own is not in it.

${table(head, rows)}

- **lone**: 300 calls one after the other. **call**: 5,000 calls, 64 in flight, each waited for. **queue**: 5,000 starts with 64 in flight, until
  nothing is open. **64 KiB** and **1 MiB**: an argument of that size, 16 and 8 in flight; its length comes back.${scale === 1 ? "" : ` Counts were multiplied by ${scale}.`}
- Ours in this run: ${absolute}. One bare round trip over HTTP of a start's body, both sides: ${median(bare).toFixed(0)} us.
- Every start and every result is on disk before a caller is told, everywhere.
${settings.map(({ name, settings: what }) => `- ${name}: ${what}.`).join("\n")}

## Codecs

Time for one payload of every kind of value, as a ratio to ours.

${table(["codec", "decode", "encode"], codecRows)}

## Carriers alone

One POST of an envelope, 16 in flight, as a ratio to ours.

${table(["carrier", "CPU", "tasks/s"], carrierRows)}
${left.length === 0 ? "" : `\n## Left out\n\n${left.map(([name, why]) => `- ${name}: ${why}`).join("\n")}\n`}`;
console.log(`\n${text}`);
if (values.write && readFileSync(PAGE, { encoding: "utf8", flag: "a+" }) !== text) writeFileSync(PAGE, text);
process.exit(0);
