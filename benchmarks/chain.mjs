// The whole chain in processes of their own, as multiples of one bare round trip that is measured in the same run.
import { fileURLToPath } from "node:url";
import { dev, separate, worked } from "./chain/ours.mjs";
import { runPhases } from "./chain/phases.mjs";
import { cannotMeasure, Measured } from "./chain/processes.mjs";
import { median } from "./lib.mjs";

const ROUNDS = 3;
const BARE_TRIPS = 20_000;
/** Multiples of a bare round trip, tasks a second on two cores, and milliseconds, that are aimed at. */
const AIMS = {
  queue: 8,
  call: 11,
  queuePerSecond: 3_500,
  callPerSecond: 3_000,
  p50Ms: 1.1,
  devPerSecond: 2_500,
  worker: 5.5,
};

/** Processor time of one bare round trip, both sides, in microseconds. */
export async function bareRoundTripUs() {
  const { us } = await bareRoundTrip();
  return us;
}

/** The same, and how long one takes in milliseconds where they follow one another (p50). */
export async function bareRoundTrip() {
  const script = fileURLToPath(new URL("chain/bare.mjs", import.meta.url));
  const server = new Measured("bare", process.execPath, [script, "server"], { ready: /bare (\S+)/ });
  const [, url] = await server.ready;
  const client = new Measured("client", process.execPath, [script, "client", url, String(BARE_TRIPS)], {
    ready: /warm/,
  });
  await client.ready;
  const before = server.cpuMs;
  await new Promise((resolve) => client.child.once("close", resolve));
  const serverUs = ((server.cpuMs - before) * 1000) / BARE_TRIPS;
  await server.stop();
  const said = (name) => Number(new RegExp(`${name} ([\\d.]+)`).exec(client.said)?.[1]);
  return { us: serverUs + said("client"), aloneMs: said("alone") };
}

export async function chainBenchmarks() {
  console.log("\nthe whole chain, each answer on disk");
  if (cannotMeasure !== undefined) {
    console.log(`  left out: ${cannotMeasure}`);
    return;
  }
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { us: bare, aloneMs } = await bareRoundTrip();
    const apart = await runPhases(separate, ["lone", "call", "queue"]);
    const inWorker = await runPhases(worked, ["queue"]);
    const together = await runPhases(dev, ["call", "queue"]);
    rounds.push({ bare, aloneMs, apart, inWorker, together });
  }
  const mid = (read) => median(rounds.map(read));
  const bare = mid((one) => one.bare);
  console.log(`  one bare round trip: ${bare.toFixed(0)} us of the processor, both sides`);
  for (const phase of ["queue", "call"]) {
    const us = mid(({ apart }) => apart[phase].cpuUs);
    const times = mid((one) => one.apart[phase].cpuUs / one.bare);
    const rate = mid(({ apart }) => apart[phase].perSecond);
    const parts = Object.keys(rounds[0].apart[phase].cpu)
      .map((name) => `${name} ${mid(({ apart }) => apart[phase].cpu[name]).toFixed(0)}`)
      .join(", ");
    console.log(
      `  ${phase}: ${us.toFixed(0)} us a task (${parts}), ${times.toFixed(1)}x${verdict(times, AIMS[phase])}`,
    );
    console.log(`    ${rate.toFixed(0)} tasks/s${atLeast(rate, AIMS[`${phase}PerSecond`])}`);
  }
  const workerTimes = mid((one) => one.inWorker.queue.cpuUs / one.bare);
  console.log(`  a worker and its engine, queue: ${workerTimes.toFixed(1)}x${verdict(workerTimes, AIMS.worker)}`);
  const p50 = mid(({ apart }) => apart.lone.p50Ms);
  const p99 = mid(({ apart }) => apart.lone.p99Ms);
  const trips = mid(({ apart, aloneMs }) => apart.lone.p50Ms / aloneMs);
  console.log(
    `  one call at a time: ${p50.toFixed(2)} ms at p50${verdict(p50, AIMS.p50Ms)}, ${p99.toFixed(1)} ms at p99; ${trips.toFixed(1)} times a bare round trip alone (${mid((one) => one.aloneMs).toFixed(2)} ms)`,
  );
  for (const phase of ["queue", "call"]) {
    const rate = mid(({ together }) => together[phase].perSecond);
    const us = mid(({ together }) => together[phase].cpuUs);
    console.log(
      `  dev, ${phase}: ${us.toFixed(0)} us a task, ${rate.toFixed(0)} tasks/s${atLeast(rate, AIMS.devPerSecond)}`,
    );
  }
}

const verdict = (value, aim) => `  aim ${aim}: ${value <= aim ? "met" : "MISSED"}`;
const atLeast = (value, aim) => `  aim ${aim}: ${value >= aim ? "met" : "MISSED"}`;
