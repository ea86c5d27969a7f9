// Activities in the process that leases them, beside the same ones behind HTTP: CPU of each task, against an engine in memory.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { median } from "./lib.mjs";

const TASKS = 4_000;
const AT_ONCE = 64;
const ROUNDS = 5;

const start = async (file, ...args) => {
  const child = fork(fileURLToPath(new URL(`${file}.mjs`, import.meta.url)), args);
  const [ready] = await once(child, "message");
  const ask = async (question) => {
    const answer = once(child, "message");
    child.send(question);
    return (await answer)[0];
  };
  return { ...ready, ask, stop: () => child.kill() };
};

async function usage(parts) {
  let sum = 0;
  for (const part of parts) sum += (await part.ask("usage")).cpuMs;
  return sum;
}

export async function workerBenchmarks() {
  const [chainEngine, workerEngine] = [await start("dispatcher/engine"), await start("dispatcher/engine")];
  const carrier = await start("worker/carrier");
  const dispatcher = await start("dispatcher/service", chainEngine.url, carrier.url);
  const worker = await start("worker/worker", workerEngine.url);
  const ways = [
    { engine: chainEngine, parts: [dispatcher, carrier], cpuMs: [], perSecond: [] },
    { engine: workerEngine, parts: [worker], cpuMs: [], perSecond: [] },
  ];
  for (const { engine } of ways) await engine.ask({ tasks: TASKS, atOnce: AT_ONCE });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { engine, parts, cpuMs, perSecond } of ways) {
      const before = await usage(parts);
      const { elapsedMs } = await engine.ask({ tasks: TASKS, atOnce: AT_ONCE });
      cpuMs.push((await usage(parts)) - before);
      perSecond.push((TASKS / elapsedMs) * 1000);
    }
  }
  const [chain, own] = ways.map(({ cpuMs, perSecond }) => ({
    us: (median(cpuMs) / TASKS) * 1000,
    perSecond: median(perSecond),
  }));
  const ratio = chain.us / own.us;
  console.log("\nthe worker, beside a dispatcher and a carrier; an engine in memory");
  console.log(`  CPU of a task: ${own.us.toFixed(0)} us, over HTTP ${chain.us.toFixed(0)} us`);
  console.log(`  tasks per second of one core: ${ratio.toFixed(2)}x  aim 1.60x: ${ratio >= 1.6 ? "met" : "MISSED"}`);
  console.log(`  tasks per second here: ${own.perSecond.toFixed(0)}, over HTTP ${chain.perSecond.toFixed(0)}`);
  for (const child of [worker, dispatcher, carrier, chainEngine, workerEngine]) child.stop();
}
