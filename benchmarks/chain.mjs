// The whole chain in processes of their own, as multiples of one bare round trip that is measured in the same run.
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { dev, separate, worked } from "./chain/ours.mjs";
import { runPhases } from "./chain/phases.mjs";
import { cannotMeasure, Measured } from "./chain/processes.mjs";
import { median, quantile } from "./lib.mjs";

const ROUNDS = 3;
const BARE_TRIPS = 20_000;
const FLUSHES = 200;
const PAGE_BYTES = 4096;
/** What a lone call is made of at the least: start, task, delivery and outcome, and start and outcome on disk. */
const LONE = { trips: 4, flushes: 2, pages: 8 };
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

/** How long one flush takes in milliseconds (p50): the pages of a commit, into a file that has its length, with a pause between. */
async function bareFlushMs() {
  const folder = mkdtempSync(join(tmpdir(), "dw-flush-"));
  const file = openSync(join(folder, "bare"), "w");
  try {
    const pages = Buffer.alloc(LONE.pages * PAGE_BYTES, 1);
    const took = [];
    for (let flush = 0; flush < FLUSHES; flush++) {
      const started = performance.now();
      writeSync(file, pages, 0, pages.length, 0);
      fsyncSync(file);
      if (flush > 0) took.push(performance.now() - started);
      await pause(2);
    }
    return quantile(took, 0.5);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
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
    const flushMs = await bareFlushMs();
    const apart = await runPhases(separate, ["lone", "call", "queue", "warm"]);
    const inWorker = await runPhases(worked, ["queue"]);
    const together = await runPhases(dev, ["call", "queue"]);
    rounds.push({ bare, aloneMs, flushMs, apart, inWorker, together });
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
  const leastMs = ({ aloneMs, flushMs }) => LONE.trips * aloneMs + LONE.flushes * flushMs;
  const tellLone = (phase, when) => {
    const p50 = mid(({ apart }) => apart[phase].p50Ms);
    const p99 = mid(({ apart }) => apart[phase].p99Ms);
    const times = mid((one) => one.apart[phase].p50Ms / leastMs(one));
    console.log(
      `  one call at a time${when}: ${p50.toFixed(2)} ms at p50${verdict(p50, AIMS.p50Ms)}, ${p99.toFixed(1)} ms at p99, ${times.toFixed(1)}x`,
    );
  };
  tellLone("lone", "");
  tellLone("warm", ", once all is compiled");
  console.log(
    `    the least is ${LONE.trips} bare round trips (${mid((one) => one.aloneMs).toFixed(2)} ms) and ${LONE.flushes} flushes (${mid((one) => one.flushMs).toFixed(2)} ms)`,
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
