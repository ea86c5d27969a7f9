import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Injector } from "./injector.js";
import { type ChaosOptions, readOptions } from "./options.js";
import { cannotLook, withEnvironment } from "./proc.js";
import { realNow } from "./real-time.js";
import { recordedRuns } from "./recorded.js";
import { type Findings, pageOf, sentencesOf } from "./report.js";
import { Sampler } from "./sampler.js";
import { scheduleOf } from "./schedule.js";
import { verify } from "./verify.js";
import { World } from "./world.js";

/** What is still under way when all starts have come to their ends: nothing, but for starts that the network has repeated. */
const SETTLE_MS = 120_000;
/** A client that has not come to its end after this is stuck. */
const PATIENCE_TIMES = 6;
const PATIENCE_MS = 300_000;

/** @param programs the folder of the programs of the parts @returns the exit code */
export async function main(args: readonly string[], programs: string): Promise<number> {
  let options: ChaosOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
  if (cannotLook !== undefined) {
    process.stdout.write(`chaos is left out: ${cannotLook}\n`);
    return 0;
  }
  const { tasks, minutes, seed, report, json, keep } = options;
  process.stderr.write(
    `chaos: ${tasks} tasks over ${minutes} min; again with --tasks ${tasks} --minutes ${minutes} --seed ${seed}\n`,
  );
  const folder = mkdtempSync(join(tmpdir(), "dw-chaos-"));
  try {
    const findings = await chaos(options, folder, programs);
    if (report !== undefined) writeFileSync(report, pageOf(findings));
    process.stdout.write(json ? `${JSON.stringify(sentencesOf(findings))}\n` : `${pageOf(findings)}\n`);
    return findings.wrong.length === 0 ? 0 : 1;
  } finally {
    if (keep) process.stderr.write(`the logs are in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function chaos(options: ChaosOptions, folder: string, programs: string): Promise<Findings> {
  const { tasks, minutes, seed } = options;
  const world = new World(folder, programs, options);
  const end = (): void => {
    void world.close().then(() => process.exit(130));
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    await world.start();
    const sampler = new Sampler(() => world.parts.values());
    const injector = new Injector(world);
    const schedule = options.calm ? [] : scheduleOf(seed, minutes);
    const started = realNow();
    const client = world.startClient(tasks / (minutes * 60));
    sampler.start();
    injector.start(schedule);
    const calm = setTimeout(() => injector.end(), minutes * 60_000);
    const isStuck = !(await within(client.untilEnded(), minutes * 60_000 * PATIENCE_TIMES + PATIENCE_MS));
    clearTimeout(calm);
    const seconds = (realNow() - started) / 1000;
    injector.end();
    const growth = sampler.end();
    const stillOpen = await untilClosed(world.engineUrl);
    const slow = await world.stopWorkers();
    const verification = await verify({
      folder,
      engineUrl: world.engineUrl,
      seed,
      tasks,
      parts: world.parts,
      faults: injector.done,
    });
    const counts = new Map(Array.from(world.edges, ([name, { counts: done }]) => [name, { ...done }]));
    await world.close();
    const wrong = [
      ...(isStuck ? ["the client has not come to its end"] : []),
      ...slow.map((name) => `${name} did not end when it was told to`),
      ...crashesOf(world),
      ...(stillOpen > 0 ? [`${stillOpen} runs did not come to their ends`] : []),
      ...withEnvironment(`CHAOS_FOLDER=${folder}`).map((pid) => `process ${pid} was left behind`),
      ...growth.filter(({ isFlat }) => !isFlat).map(({ part }) => `${part} grows`),
      ...verification.wrong,
    ];
    const parts = [...world.parts.values()];
    return {
      options,
      seconds,
      schedule,
      faults: injector.done,
      missing: injector.missing,
      growth,
      verification,
      counts,
      parts,
      wrong,
    };
  } finally {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
    await world.close();
  }
}

/** What ended by itself, though nobody told it to, or complained: an engine may, where its disk is full as it starts. */
function crashesOf(world: World): readonly string[] {
  return [...world.parts.values()].flatMap(({ name, lives, complaints }) => {
    const crashes = lives.filter(({ end }) => end === "crashed").length;
    const isFull = name === "engine" && complaints.includes("disk is full");
    if (isFull || (crashes === 0 && complaints === "")) return [];
    return [`${name} crashed ${crashes} times, and said: ${complaints.slice(0, 2_000)}`];
  });
}

async function untilClosed(url: string): Promise<number> {
  const until = realNow() + SETTLE_MS;
  for (;;) {
    let open = 0;
    for await (const run of recordedRuns(url, "&status=running")) if (run.status === "running") open++;
    if (open === 0 || realNow() > until) return open;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}
