// One argument and one result of a size through the whole chain (local engine, dispatcher, carrier, each in a process of its
// own), by reference and inline: processor time of all three beside a bare HTTP round trip of the same body in the same run,
// and what the dispatcher has in memory at most. Each way is warmed up first; then they take turns, round after round, and
// the median round counts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { median } from "./lib.mjs";
import { PayloadClient } from "./payloads/client.mjs";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** Bytes of a blob, tasks of a round, how many are started at once. No dispatcher reads an answer of an engine over 16 MiB. */
const SIZES = [
  { bytes: 64 * KIB, tasks: 200, atOnce: 16, rounds: 7, aimMs: 1.2, ways: ["inline", "reference"] },
  { bytes: MIB, tasks: 40, atOnce: 8, rounds: 5, aimMs: 8, ways: ["inline", "reference"] },
  { bytes: 8 * MIB, tasks: 8, atOnce: 4, rounds: 3, aimMs: undefined, ways: ["reference"] },
  { bytes: 16 * MIB, tasks: 8, atOnce: 4, rounds: 3, aimMs: undefined, ways: ["reference"] },
];
/** Of what is in flight, held in memory by the dispatcher. */
const MEMORY_AIM = 2;
const WARM_UP_ROUNDS = 2;
/** A folder for profiles of each process. */
const profiles = process.env["BENCH_PROFILES"];

const start = async (file, ...args) => {
  const script = fileURLToPath(new URL(`payloads/${file}.mjs`, import.meta.url));
  const profiled = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  if (profiles !== undefined) profiled.push(`--cpu-prof-name=${file}-${args[0]?.slice(0, 9) ?? ""}.cpuprofile`);
  const child = fork(script, args, { execArgv: ["--expose-gc", ...profiled] });
  const [ready] = await once(child, "message");
  const ask = async (question = "usage") => {
    const answer = once(child, "message");
    child.send(question);
    return (await answer)[0];
  };
  const stop = async () => {
    const gone = once(child, "exit");
    child.kill();
    await gone;
  };
  return { ...ready, ask, stop };
};

export async function payloadBenchmarks() {
  const only = process.env["BENCH_PAYLOAD_BYTES"];
  console.log("\na large argument and result through the chain, from the start of the task on");
  for (const size of SIZES) if (only === undefined || Number(only) === size.bytes) await compareWays(size);
}

async function compareWays({ bytes, tasks, atOnce, rounds, aimMs, ways }) {
  const bare = await Bare.open();
  const chains = [];
  for (const way of ways) chains.push(await Chain.open(way));
  const measured = new Map([bare, ...chains].map((one) => [one, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [one, results] of measured) {
      const result = await one.round(bytes, tasks, atOnce);
      if (round >= 0) results.push(result);
    }
  }
  const name = bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`;
  const bareMs = median(measured.get(bare).map(({ cpuMs }) => cpuMs));
  console.log(`  ${name}: a bare round trip of it takes ${bareMs.toFixed(2)} ms of processor time`);
  for (const chain of chains) {
    const results = measured.get(chain);
    const of = (key) => median(results.map((result) => result[key]));
    const parts = Object.keys(results[0].cpuOf).map(
      (part) => `${part} ${median(results.map(({ cpuOf }) => cpuOf[part])).toFixed(2)}`,
    );
    const cpuMs = of("cpuMs");
    const aim = aimMs === undefined ? "" : `  aim ${aimMs} ms: ${cpuMs <= aimMs ? "met" : "MISSED"}`;
    console.log(
      `  ${name} ${chain.way}: processor ${cpuMs.toFixed(2)} ms (${parts.join(", ")}), ${(cpuMs / bareMs).toFixed(1)}x of ` +
        `bare${aim}; ${of("perSecond").toFixed(0)} tasks/s; upload ${of("uploadMs").toFixed(2)} ms of the engine's, read ${of("readMs").toFixed(2)} ms`,
    );
    if (bytes < 8 * MIB) continue;
    const weight = (await peakBytes(chain.way, bytes, atOnce)) / atOnce / bytes;
    const verdict = chain.way === "inline" ? "" : `  aim ${MEMORY_AIM}x: ${weight < MEMORY_AIM ? "met" : "MISSED"}`;
    console.log(
      `  ${name} ${chain.way}: the dispatcher holds ${weight.toFixed(2)}x of the payload for each of ${atOnce}${verdict}`,
    );
  }
  for (const one of measured.keys()) await one.close();
}

/** The same body sent to a server that parses it, and back, parsed again: nothing is kept. */
class Bare {
  static async open() {
    const server = await start("bare-server");
    return new Bare({ server, client: await start("bare-client", server.url) });
  }

  constructor(parts) {
    this.parts = parts;
  }

  async round(bytes, tasks, atOnce) {
    const { client, server } = this.parts;
    const before = await usage({ server, client });
    await client.ask({ bytes, tasks, atOnce });
    return { cpuMs: spent(before, await usage({ server, client }), tasks).cpuMs };
  }

  async close() {
    for (const part of Object.values(this.parts)) await part.stop();
  }
}

class Chain {
  static async open(way) {
    const engine = await start("engine", way);
    const carrier = await start("carrier", way);
    const dispatcher = await start("service", way, engine.url, carrier.url);
    return new Chain(way, { engine, dispatcher, carrier });
  }

  constructor(way, parts) {
    this.way = way;
    this.parts = parts;
    this.client = new PayloadClient(parts.engine.url);
  }

  async round(bytes, tasks, atOnce) {
    const { client, parts, way } = this;
    const beforeUpload = await usage(parts);
    const inputs = await client.inputs(way, bytes, tasks);
    const before = await usage(parts);
    const began = performance.now();
    const ids = await client.startAll(inputs, atOnce);
    await client.untilIdle();
    const perSecond = (tasks / (performance.now() - began)) * 1000;
    const after = await usage(parts);
    await client.readAll(ids, inputs);
    const afterReads = await usage(parts);
    return {
      ...spent(before, after, tasks),
      perSecond,
      uploadMs: spent(beforeUpload, before, tasks).cpuMs,
      readMs: spent(after, afterReads, tasks).cpuMs,
    };
  }

  async close() {
    for (const part of Object.values(this.parts)) await part.stop();
  }
}

/**
 * What a dispatcher has at most beyond what it has at rest, with so many in flight: a new one, since what others have let go
 * of is not always given back to the system, and would not count.
 */
async function peakBytes(way, bytes, atOnce) {
  const chain = await Chain.open(way);
  const { client, parts } = chain;
  for (let n = 0; n < 2; n++) {
    await client.startAll(await client.inputs(way, bytes, 1), 1);
    await client.untilIdle();
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  await parts.dispatcher.ask("peak");
  const { peakBytes: rest } = await parts.dispatcher.ask("peak");
  await client.startAll(await client.inputs(way, bytes, atOnce), atOnce);
  await client.untilIdle();
  const { peakBytes: most } = await parts.dispatcher.ask("peak");
  await chain.close();
  return most - rest;
}

async function usage(parts) {
  return Object.fromEntries(
    await Promise.all(Object.entries(parts).map(async ([name, part]) => [name, await part.ask("usage")])),
  );
}

function spent(before, after, tasks) {
  const cpuOf = Object.fromEntries(
    Object.keys(before).map((part) => [part, (after[part].cpuMs - before[part].cpuMs) / tasks]),
  );
  return { cpuOf, cpuMs: Object.values(cpuOf).reduce((sum, ms) => sum + ms) };
}
