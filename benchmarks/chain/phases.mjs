// What is done to a system while it is measured, the same for each: calls one after the other, calls that wait for their
// results, starts that do not, large arguments.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quantile } from "../lib.mjs";

const LOOK_MS = 20;
/** Lone calls before those that are measured warm. */
const WARM_CALLS = 3_000;

/** Runs `tasks` times with `atOnce` in flight. */
async function many(tasks, atOnce, run) {
  let next = 0;
  const lane = async () => {
    while (next < tasks) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, tasks) }, lane));
}

/** Measures one phase: time, processor time of each process, and the peak of memory. */
async function measure(system, tasks, run) {
  const before = system.processes.map((one) => one.cpuMs);
  let peakMb = 0;
  const look = () => {
    peakMb = Math.max(
      peakMb,
      system.processes.reduce((sum, one) => sum + one.memoryMb, 0),
    );
  };
  const timer = setInterval(look, 400);
  const driver = process.cpuUsage();
  const started = performance.now();
  await run();
  const ms = performance.now() - started;
  const used = process.cpuUsage(driver);
  clearInterval(timer);
  look();
  const cpu = Object.fromEntries(
    system.processes.map((one, index) => [one.name, ((one.cpuMs - before[index]) * 1000) / tasks]),
  );
  return {
    perSecond: (tasks * 1000) / ms,
    cpuUs: Object.values(cpu).reduce((sum, one) => sum + one, 0),
    cpu,
    driverUs: (used.user + used.system) / tasks,
    peakMb,
  };
}

/** The phases, each with how it runs. */
export const PHASES = {
  /** One call at a time. */
  async lone(system, { tasks = 300 } = {}) {
    const took = [];
    const measured = await measure(system, tasks, () =>
      many(tasks, 1, async (index) => {
        const started = performance.now();
        await check(system, index);
        took.push(performance.now() - started);
      }),
    );
    return { ...measured, p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99) };
  },
  /** The same, once the code that only lone calls run has been compiled: the bare round trip is measured so, too. */
  async warm(system, options) {
    await many(WARM_CALLS, 1, (index) => check(system, index));
    return PHASES.lone(system, options);
  },
  /** Callers that wait for their results. */
  call: (system, { tasks = 5_000, atOnce = 64 } = {}) =>
    measure(system, tasks, () => many(tasks, atOnce, (index) => check(system, index))),
  /** Starts, then until nothing is open any more. */
  queue: (system, { tasks = 5_000, atOnce = 64 } = {}) =>
    measure(system, tasks, async () => {
      await many(tasks, atOnce, (index) => system.begin("greet", `Q${index}`));
      while ((await system.open()) > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }),
  "64 KiB": (system, options) => large(system, 2 ** 16, { tasks: 1_000, atOnce: 16, ...options }),
  "1 MiB": (system, options) => large(system, 2 ** 20, { tasks: 100, atOnce: 8, ...options }),
};

async function check(system, index) {
  const said = await system.call("greet", `Ada ${index}`);
  if (said !== `Hello, Ada ${index}`) throw new Error(`${system.name} said ${String(said)}`);
}

function large(system, bytes, { tasks, atOnce }) {
  const text = "x".repeat(bytes);
  return measure(system, tasks, () =>
    many(tasks, atOnce, async () => {
      const length = Number(await system.call("size", text));
      if (length !== bytes) throw new Error(`${bytes} characters came as ${length}`);
    }),
  );
}

/** Brings a system up in an empty folder, warms it up, and runs phases on it. */
export async function runPhases(system, names, { scale = 1 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "dw-chain-"));
  const up = await system.start(folder);
  try {
    const warm = Math.max(200, Math.round(1_600 * scale));
    await PHASES.call(up, { tasks: warm });
    const figures = {};
    for (const name of names) {
      const tasks = { lone: 300, warm: 300, call: 5_000, queue: 5_000, "64 KiB": 1_000, "1 MiB": 100 }[name];
      figures[name] = await PHASES[name](up, { tasks: Math.max(20, Math.round(tasks * scale)) });
    }
    return figures;
  } finally {
    await up.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
