// Eight dispatchers and four carriers on one engine, beside one of each: the same tasks, in turns, in one run.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sharedCarriers } from "@durable-workflow/test-support/shared-carriers";
import { engineIn, running } from "./chain/ours.mjs";
import { cannotMeasure, Measured } from "./chain/processes.mjs";
import { median } from "./lib.mjs";

const BIN = fileURLToPath(new URL("../packages/cli/dist/bin.js", import.meta.url));
const ACTIVITIES = fileURLToPath(new URL("chain/scale-activities.mjs", import.meta.url));
const TYPES = ["greet1", "greet2", "greet3", "greet4"];
const ROUNDS = 3;
const TASKS = 3_000;
/** For each dispatcher, so that all are as warm as one is: compiled code costs a third of what comes before it. */
const WARM = 5_000;
const AT_ONCE = 64;
const LOOK_MS = 20;
/** Of the throughput of one, where processors are not what is short: thirteen processes have these to share. */
const AIM = 0.9;
/** The same in processor time of a task, which does not depend on how many processors there are. */
const CPU_AIM = 1.11;

/** Brings up an engine with so many dispatchers and carriers; each carrier has its share of the activity types. */
async function start(folder, { dispatchers, carriers }) {
  const engine = engineIn(folder);
  const processes = [engine];
  const bring = async (count, begin) => {
    const all = Array.from({ length: count }, (_, index) => begin(index));
    processes.push(...all);
    return Promise.all(all.map((one) => one.ready));
  };
  const [, engineUrl] = await engine.ready;
  const urls = await bring(carriers, (index) => {
    const serve = [BIN, "serve", ACTIVITIES, "--port", "0", "--json"];
    return new Measured(`carrier ${index}`, process.execPath, serve, { cwd: folder, ready: /"url":"([^"]+)"/ });
  });
  const config = sharedCarriers(
    urls.map(([, url]) => url),
    TYPES,
  );
  writeFileSync(join(folder, "executor.json"), JSON.stringify(config));
  await bring(dispatchers, (index) => {
    const dispatch = [BIN, "dispatch", "--config", "executor.json", "--server", engineUrl, "--json"];
    const said = /"event":"registered"/;
    return new Measured(`dispatcher ${index}`, process.execPath, dispatch, { cwd: folder, ready: said });
  });
  return { ...running(processes, engineUrl), parts: { engine: 1, carriers, dispatchers } };
}

async function many(tasks, run) {
  let next = 0;
  const lane = async () => {
    while (next < tasks) await run(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** Tasks in a second, and what each part has used of the processor for one, in microseconds. */
async function timed(system, tasks, run) {
  const before = system.processes.map(({ cpuMs }) => cpuMs);
  const started = performance.now();
  await run();
  const perSecond = (tasks * 1000) / (performance.now() - started);
  const used = system.processes.map((one, index) => ((one.cpuMs - before[index]) * 1000) / tasks);
  const cpuUs = { all: sum(used) };
  // In the order in which they were brought up.
  for (const [part, count] of Object.entries(system.parts)) cpuUs[part] = sum(used.splice(0, count));
  return { perSecond, cpuUs };
}

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

/** Starts tasks, and waits until nothing is open. */
function drain(system, tasks) {
  return timed(system, tasks, async () => {
    await many(tasks, (index) => system.begin(TYPES[index % TYPES.length], `Q${index}`));
    while ((await system.open()) > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  });
}

/** Calls that wait for their results, each checked. */
function call(system, tasks) {
  return timed(system, tasks, () =>
    many(tasks, async (index) => {
      const said = await system.call(TYPES[index % TYPES.length], `Ada ${index}`);
      if (said !== `Hello, Ada ${index}`) throw new Error(`a call was answered ${String(said)}`);
    }),
  );
}

async function measure(counts) {
  const folder = mkdtempSync(join(tmpdir(), "dw-scale-"));
  const system = await start(folder, counts);
  try {
    await call(system, WARM * counts.dispatchers);
    return { queue: await drain(system, TASKS), call: await call(system, TASKS) };
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const verdict = (met) => (met ? "met" : "MISSED");

export async function scaleBenchmarks() {
  console.log("\neight dispatchers and four carriers on one engine, beside one of each");
  if (cannotMeasure !== undefined) {
    console.log(`  left out: ${cannotMeasure}`);
    return;
  }
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({
      one: await measure({ dispatchers: 1, carriers: 1 }),
      many: await measure({ dispatchers: 8, carriers: 4 }),
    });
  }
  for (const phase of ["queue", "call"]) {
    const mid = (read) => median(rounds.map(({ one, many: all }) => read(one[phase], all[phase])));
    const ratio = mid((one, all) => all.perSecond / one.perSecond);
    console.log(
      `  ${phase}: ${mid((one) => one.perSecond).toFixed(0)} tasks/s with one, ${mid((_, all) => all.perSecond).toFixed(0)} with eight: ${ratio.toFixed(2)}x  aim ${AIM}: ${verdict(ratio >= AIM)}`,
    );
    for (const part of ["all", "engine", "dispatchers", "carriers"]) {
      const times = mid((one, all) => all.cpuUs[part] / one.cpuUs[part]);
      const us = `${mid((one) => one.cpuUs[part]).toFixed(0)} us of a processor for a task with one, ${mid((_, all) => all.cpuUs[part]).toFixed(0)} with eight`;
      const aimed = part === "all" || part === "engine" ? `  aim ${CPU_AIM}: ${verdict(times <= CPU_AIM)}` : "";
      console.log(`    ${part.padEnd(11)} ${us}: ${times.toFixed(2)}x${aimed}`);
    }
  }
  const busy = median(rounds.map(({ one }) => (one.queue.perSecond * one.queue.cpuUs.all) / 1e6));
  console.log(
    `  one of each keeps ${busy.toFixed(1)} of ${availableParallelism()} processors busy; where that is nearly all, eight can hold its tasks/s only by as little for each task`,
  );
}
