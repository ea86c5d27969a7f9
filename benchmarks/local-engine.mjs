// The local engine over its own API: durable starts, full life cycles, and polls before a long queue. Engine and clients
// run in processes of their own on this machine; the file is on its disk, flushed with every commit.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ACTIVITIES_ONLY } from "../packages/engine-protocol/dist/index.js";
import { median } from "./lib.mjs";
import { fillRuns, openingMs, operationsUs, retentionMs } from "./local-engine/closed-runs.mjs";
import { Connection, taskOf } from "./local-engine/connection.mjs";
import { fillQueue, lookupTime } from "./local-engine/fill-queue.mjs";
import { multiplyRuns } from "./local-engine/multiply-runs.mjs";

const CONNECTIONS = 64;
const SECONDS = 5;
const INPUT = { codec: "avro", blob: "wwHioz3/VYAiNwwCCgZBZGEA" };
const AIMS = { starts: 3000, "life cycles": 1500 };
const SHORT_QUEUE = 1000;
const LONG_QUEUE = 1_000_000;
const LARGEST_RATIO = 1.5;
const POLLS = 1500;
const FEW_RUNS = { closed: 1_000, open: 1_000 };
const MANY_RUNS = { closed: 100_000, open: 10_000 };
/** So often are they copied: BENCH_RUN_COPIES=99 makes 10,000,000 closed and 1,000,000 open, in some minutes and 9 GB. */
const COPIES = Number(process.env.BENCH_RUN_COPIES ?? 2);
const LONGEST_OPENING_MS = 2_000;
const LONGEST_RETENTION_MS = 20;

export async function localEngineBenchmarks() {
  // Not in memory, as some systems have their folder for temporary files.
  const folder = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), "engine-bench-"));
  try {
    const grouped = await throughput(folder, "grouped", 256);
    const apart = await throughput(folder, "apart", 1);
    printThroughput(grouped, apart);
    await pollLatency(folder);
    await manyRuns(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function throughput(folder, name, maxCommitBatch) {
  const engine = await startEngine({ file: join(folder, `${name}.db`), maxCommitBatch });
  const connections = Array.from({ length: CONNECTIONS }, () => new Connection(engine.port));
  const starts = await perSecond(connections, (connection) => start(connection, "starts"));
  await Promise.all(connections.map((connection, n) => register(connection, `w${n}`, "life")));
  const lives = await perSecond(connections, async (connection, n) => {
    await start(connection, "life");
    await complete(connection, await poll(connection, `w${n}`, "life"));
  });
  for (const connection of connections) connection.close();
  await engine.stop();
  return { starts, "life cycles": lives };
}

function printThroughput(grouped, apart) {
  console.log(`\nlocal engine, ${CONNECTIONS} connections, synchronous=FULL`);
  for (const [what, aim] of Object.entries(AIMS)) {
    const verdict = grouped[what] >= aim ? "met" : "MISSED";
    console.log(
      `  ${what.padEnd(12)} ${round(grouped[what])}/s  aim ${aim}/s: ${verdict}   a flush for each call: ${round(apart[what])}/s`,
    );
  }
}

/** Polls before a short and a long queue, in turns, so that what else the machine does hits both alike. */
async function pollLatency(folder) {
  const queues = { short: SHORT_QUEUE, long: LONG_QUEUE };
  const engines = {};
  const lookups = {};
  for (const [name, length] of Object.entries(queues)) {
    const file = join(folder, `${name}.db`);
    await fillQueue(file, length);
    lookups[name] = lookupTime(file);
  }
  // Filling takes longer than an engine keeps an idle connection.
  for (const name of Object.keys(queues)) {
    const file = join(folder, `${name}.db`);
    const engine = await startEngine({ file, integrityCheck: "off" });
    const connection = new Connection(engine.port);
    await register(connection, "w", "q");
    engines[name] = { engine, connection, times: [] };
  }
  for (let n = 0; n < POLLS; n++) {
    for (const { connection, times } of Object.values(engines)) {
      // What was taken is put back, so that a queue keeps its length.
      await start(connection, "q");
      const before = performance.now();
      const task = await poll(connection, "w", "q");
      if (n >= POLLS / 5) times.push(performance.now() - before);
      await complete(connection, task);
    }
  }
  const { short, long } = engines;
  const ratio = median(long.times) / median(short.times);
  console.log(`\npoll of one worker, tasks waiting`);
  for (const [name, length] of Object.entries(queues)) {
    const sorted = engines[name].times.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)];
    console.log(
      `  ${String(length).padStart(9)}  median ${(median(sorted) * 1000).toFixed(0).padStart(5)} us   p99 ${(p99 * 1000).toFixed(0).padStart(6)} us   the look into the index alone ${lookups[name].toFixed(1)} us`,
    );
  }
  console.log(`  ratio ${ratio.toFixed(2)}x  aim ${LARGEST_RATIO}x: ${ratio <= LARGEST_RATIO ? "met" : "MISSED"}`);
  for (const { engine, connection } of [short, long]) {
    connection.close();
    await engine.stop();
  }
}

/** Reads, steps, opening and retention of a file with many closed runs, beside one with few. */
async function manyRuns(folder) {
  const [few, many] = ["few", "many"].map((name) => join(folder, `${name}.db`));
  await fillRuns(few, FEW_RUNS);
  await fillRuns(many, MANY_RUNS);
  const bytes = multiplyRuns(many, COPIES);
  const [closed, open] = [MANY_RUNS.closed, MANY_RUNS.open].map((count) => count * (COPIES + 1));
  console.log(`\n${runs(closed)} closed runs and ${runs(open)} open ones, beside ${runs(FEW_RUNS.closed)} of each`);
  console.log(`  ${bytes.toFixed(0)} bytes of the file for a run with small payloads`);
  const opening = openingMs(many, "auto");
  console.log(`  opened in ${opening.toFixed(0)} ms${judged(opening, LONGEST_OPENING_MS, "ms")}`);
  const [fewUs, manyUs] = await operationsUs([few, many], 1_000);
  for (const [what, { p50, p99 }] of Object.entries(manyUs)) {
    const ratio = p99 / fewUs[what].p99;
    const times = `median ${p50.toFixed(0)} us, p99 ${p99.toFixed(0)} us`;
    console.log(`  ${what.padEnd(17)} ${times}: p99 ${ratio.toFixed(2)}x${judged(ratio, LARGEST_RATIO, "x")}`);
  }
  const { worst, p50, removed } = await retentionMs(many, 200);
  console.log(
    `  retention of ${removed} runs: batches of ${p50.toFixed(1)} ms, the longest ${worst.toFixed(1)} ms${judged(worst, LONGEST_RETENTION_MS, "ms")}`,
  );
}

function runs(count) {
  return count.toLocaleString("en");
}

function judged(value, aim, unit) {
  return `  aim ${aim} ${unit}: ${value <= aim ? "met" : "MISSED"}`;
}

async function perSecond(connections, work) {
  let done = 0;
  const began = performance.now();
  const end = began + SECONDS * 1000;
  await Promise.all(
    connections.map(async (connection, n) => {
      while (performance.now() < end) {
        await work(connection, n);
        done++;
      }
    }),
  );
  return (done / (performance.now() - began)) * 1000;
}

async function start(connection, queue) {
  expectStatus(201, await connection.post("/api/activities", { activity_type: "t", task_queue: queue, input: INPUT }));
}

async function register(connection, worker, queue) {
  const registration = {
    worker_id: worker,
    task_queue: queue,
    runtime: "typescript",
    supported_activity_types: ["t"],
    capability_manifest: ACTIVITIES_ONLY,
  };
  expectStatus(201, await connection.post("/api/worker/register", registration));
}

async function poll(connection, worker, queue) {
  const answer = await connection.post("/api/worker/activity-tasks/poll", { worker_id: worker, task_queue: queue });
  return taskOf(answer);
}

async function complete(connection, { taskId, attemptId, owner }) {
  const outcome = { activity_attempt_id: attemptId, lease_owner: owner, result: INPUT };
  expectStatus(200, await connection.post(`/api/worker/activity-tasks/${taskId}/complete`, outcome));
}

function expectStatus(expected, { status, body }) {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${body.slice(0, 300)}`);
}

const ENGINE = fileURLToPath(new URL("../packages/test-support/src/engine-process.mjs", import.meta.url));

async function startEngine(options) {
  const child = spawn(process.execPath, [ENGINE, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
  const port = await new Promise((resolve, reject) => {
    child.stdout.once("data", (text) => resolve(Number(text)));
    child.once("exit", (code) => reject(new Error(`the engine ended with ${code}`)));
  });
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", resolve);
        child.stdin.end();
      }),
  };
}

function round(number) {
  return String(Math.round(number)).padStart(6);
}
