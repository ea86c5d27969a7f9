// Timing for the benchmarks. Cases of one comparison run in turns, round after round, so that what else the machine does
// hits all of them alike; the median round counts (the mean within a round: collecting garbage is part of the cost), and
// only ratios within one run are worth reading.
import { Bench } from "tinybench";

const ROUNDS = 9;
/** A single call is shorter than the clock can tell: this many make one sample, where they take less than that many ms. */
const BATCH = 200;
const LONGEST_SAMPLE_MS = 20;

/**
 * Times each case against the first.
 * @param {string} title
 * @param {Record<string, () => unknown>} cases the first is the yardstick
 * @param {Record<string, number>} aims the largest ratio aimed at, by case
 */
export async function compare(title, cases, aims = {}) {
  const latencies = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  const batches = {};
  for (const [name, run] of Object.entries(cases)) batches[name] = await batched(run);
  for (let round = 0; round < ROUNDS; round++) {
    const bench = new Bench({ time: 120, warmupTime: round === 0 ? 250 : 20 });
    for (const name of Object.keys(cases)) bench.add(name, batches[name].run);
    await bench.run();
    for (const { name, result } of bench.tasks) {
      if (result.state === "errored") throw result.error;
      if (result.state !== "completed") throw new Error(`${name} was not run to its end`);
      latencies[name].push(result.latency.mean / batches[name].size);
    }
  }
  const medians = Object.fromEntries(Object.entries(latencies).map(([name, times]) => [name, median(times)]));
  report(title, medians, aims);
}

/** A function that runs a case many times, if it is a quick one. */
async function batched(run) {
  const started = performance.now();
  const isAsync = run() instanceof Promise;
  for (let call = 0; call < 20; call++) await run();
  const size = ((performance.now() - started) / 21) * BATCH > LONGEST_SAMPLE_MS ? 1 : BATCH;
  const loop = () => {
    for (let call = 0; call < size; call++) run();
  };
  const asyncLoop = async () => {
    for (let call = 0; call < size; call++) await run();
  };
  return { size, run: isAsync ? asyncLoop : loop };
}

/** Prints ratios to the first entry, and whether they meet the aims. */
function report(title, values, aims) {
  const [[yardstick, base]] = Object.entries(values);
  console.log(`\n${title}`);
  for (const [name, value] of Object.entries(values)) {
    const ratio = value / base;
    const aim = aims[name];
    const verdict = aim === undefined ? "" : `  aim ${aim.toFixed(2)}x: ${ratio <= aim ? "met" : "MISSED"}`;
    const shown = name === yardstick ? "" : `  ${ratio.toFixed(2)}x${verdict}`;
    console.log(`  ${name.padEnd(34)} ${(value * 1000).toPrecision(4).padStart(10)} us${shown}`);
  }
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** The value below which that share of the numbers is. */
export function quantile(numbers, share) {
  return numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
}
