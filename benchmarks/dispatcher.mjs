// The dispatcher against an engine in memory and a carrier that answers at once, each in a process of its own: what it
// adds to a direct POST, how many tasks one core carries, and what a thousand deliveries in flight weigh.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { PROTOCOL_VERSION, SINCE } from "@durable-workflow/engine-protocol";
import { median, quantile } from "./lib.mjs";

const LATENCY_TASKS = 600;
const RATE_TASKS = 6_000;
const RATE_ROUNDS = 3;
const IN_FLIGHT = 1_000;
const VERSION_TASKS = 1_000;
const VERSION_ROUNDS = 5;

const start = async (file, ...args) => {
  const child = fork(fileURLToPath(new URL(`dispatcher/${file}.mjs`, import.meta.url)), args);
  const [ready] = await once(child, "message");
  const ask = async (question) => {
    const answer = once(child, "message");
    child.send(question);
    return (await answer)[0];
  };
  return { ...ready, ask, stop: () => child.kill() };
};

export async function dispatcherBenchmarks() {
  const engine = await start("engine");
  const carrier = await start("carrier");
  const dispatcher = await start("service", engine.url, carrier.url);
  console.log("\nthe dispatcher, against an engine in memory");

  await engine.ask({ tasks: 500, atOnce: 1 });
  const { took } = await engine.ask({ tasks: LATENCY_TASKS, atOnce: 1 });
  const { direct } = await engine.ask({ direct: carrier.url, posts: LATENCY_TASKS });
  const added = (share) => (quantile(took, share) - quantile(direct, share)).toFixed(2);
  console.log(`  from lease to report, over a direct POST: ${added(0.5)} ms at p50, ${added(0.99)} ms at p99`);

  await engine.ask({ tasks: RATE_TASKS, atOnce: 200 });
  const perSecond = [];
  const perCpuSecond = [];
  for (let round = 0; round < RATE_ROUNDS; round++) {
    const before = await dispatcher.ask("usage");
    const { elapsedMs } = await engine.ask({ tasks: RATE_TASKS, atOnce: 200 });
    const { cpuMs } = await dispatcher.ask("usage");
    perSecond.push((RATE_TASKS / elapsedMs) * 1000);
    perCpuSecond.push((RATE_TASKS / (cpuMs - before.cpuMs)) * 1000);
  }
  const rate = median(perCpuSecond);
  console.log(
    `  tasks per second of one core: ${rate.toFixed(0)}  aim 1500: ${rate >= 1500 ? "met" : "MISSED"}` +
      ` (${median(perSecond).toFixed(0)}/s on this machine, shared with engine and carrier)`,
  );
  dispatcher.stop();
  await versions(carrier);

  // One that has not done anything else.
  const fresh = await start("service", engine.url, carrier.url);
  await carrier.ask("hold");
  const running = engine.ask({ tasks: IN_FLIGHT, atOnce: IN_FLIGHT });
  for (let held = 0; held < IN_FLIGHT; held = (await carrier.ask("held")).held) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rssMb, heapMb } = await fresh.ask("usage");
  await carrier.ask("release");
  await running;
  console.log(
    `  memory with ${IN_FLIGHT} deliveries in flight: ${rssMb.toFixed(0)} MB (heap ${heapMb.toFixed(0)} MB)` +
      `  aim under 150 MB: ${rssMb < 150 ? "met" : "MISSED"}`,
  );
  for (const child of [fresh, carrier, engine]) child.stop();
}

/** What a task costs with an engine of before 1.18, with one of now, and with one whose leases are renewed, in turns. */
async function versions(carrier) {
  const kinds = [{ version: SINCE.failureFlags }, {}, { renews: true }];
  const runs = [];
  for (const kind of kinds) {
    const engine = await start("engine", JSON.stringify(kind));
    const dispatcher = await start("service", engine.url, carrier.url);
    await engine.ask({ tasks: VERSION_TASKS, atOnce: 100 });
    runs.push({ engine, dispatcher, cpuMs: [] });
  }
  for (let round = 0; round < VERSION_ROUNDS; round++) {
    for (const { engine, dispatcher, cpuMs } of runs) {
      const before = await dispatcher.ask("usage");
      await engine.ask({ tasks: VERSION_TASKS, atOnce: 100 });
      cpuMs.push((await dispatcher.ask("usage")).cpuMs - before.cpuMs);
    }
  }
  for (const { engine, dispatcher } of runs) for (const child of [dispatcher, engine]) child.stop();
  const [before, now, renewing] = runs.map(({ cpuMs }) => median(cpuMs) / VERSION_TASKS);
  const ratio = (cost) => `${(cost / before).toFixed(2)}x  aim 1.10x: ${cost / before <= 1.1 ? "met" : "MISSED"}`;
  console.log(`  CPU of a task with an engine of protocol ${SINCE.failureFlags}: ${before.toFixed(3)} ms`);
  console.log(`    with one of ${PROTOCOL_VERSION}: ${ratio(now)}`);
  console.log(`    where leases are renewed: ${ratio(renewing)}`);
}
