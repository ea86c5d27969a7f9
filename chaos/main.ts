import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Injector } from "./injector.js";
import { stopFile } from "./journal.js";
import { Ledger } from "./ledger.js";
import { type ChaosOptions, readOptions } from "./options.js";
import { cannotLook, useOf, withEnvironment } from "./proc.js";
import { realNow } from "./real-time.js";
import { recordedRuns } from "./recorded.js";
import { type Findings, type Progress, pageOf, pictureOf, progressPageOf, sentencesOf } from "./report.js";
import { Sampler } from "./sampler.js";
import { scheduleOf } from "./schedule.js";
import { timelineOf } from "./timeline.js";
import { verify } from "./verify.js";
import { World } from "./world.js";

/** What is still under way when all starts have come to their ends: nothing, but for starts that the network has repeated. */
const SETTLE_MS = 120_000;
const QUIET_LOOKS = 6;
/** A client that has not come to its end after this is stuck. */
const PATIENCE_TIMES = 6;
const PATIENCE_MS = 300_000;
const MINUTE_MS = 60_000;
/** What has not ended after this was left behind. */
const GONE_MS = 20_000;

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
  const { tasks, minutes, seed, page, json, keep } = options;
  process.stderr.write(
    `chaos: ${tasks} tasks over ${minutes} min; again with --tasks ${tasks} --minutes ${minutes} --seed ${seed}\n`,
  );
  const folder = mkdtempSync(join(tmpdir(), "dw-chaos-"));
  try {
    const findings = await new Chaos(options, folder, programs).run();
    if (page !== undefined) writePage(page, findings, pageOf);
    process.stdout.write(json ? `${JSON.stringify(sentencesOf(findings))}\n` : `${pageOf(findings)}\n`);
    return findings.wrong.length === 0 ? 0 : 1;
  } finally {
    if (keep) process.stderr.write(`the logs are in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Writes a page, and the picture that it shows beside it. */
function writePage<Known extends Progress>(
  file: string,
  known: Known,
  textOf: (known: Known, picture: string) => string,
): void {
  const picture = file.replace(/(\.md)?$/, ".svg");
  for (const [name, text] of [
    [picture, pictureOf(known)],
    [file, textOf(known, basename(picture))],
  ] as const) {
    writeFileSync(`${name}.new`, text);
    renameSync(`${name}.new`, name);
  }
}

/** One run: from an empty folder to what was found out. */
class Chaos {
  private readonly options: ChaosOptions;
  private readonly folder: string;
  private readonly world: World;
  private readonly sampler: Sampler;
  private readonly injector: Injector;
  private readonly loads: number[] = [];
  private startedAt = 0;
  private endedAt: number | undefined;
  private peakMb = 0;
  private isInterrupted = false;
  private onInterrupt: () => void = () => undefined;

  constructor(options: ChaosOptions, folder: string, programs: string) {
    this.options = options;
    this.folder = folder;
    this.world = new World(folder, programs, options);
    this.sampler = new Sampler(() => this.world.parts.values());
    this.injector = new Injector(this.world);
  }

  async run(): Promise<Findings> {
    const interrupt = (): void => this.interrupt();
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", interrupt);
    let minutes: NodeJS.Timeout | undefined;
    try {
      await this.world.start();
      const { tasks, seed, minutes: length } = this.options;
      this.startedAt = realNow();
      const ledger = new Ledger(this.folder, { tasks, seed, startedAt: this.startedAt });
      minutes = setInterval(() => this.checkpoint(ledger), MINUTE_MS);
      const isStuck = await this.work(length * MINUTE_MS);
      return await this.judge(ledger, isStuck);
    } finally {
      clearInterval(minutes);
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
      await this.world.close();
    }
  }

  /** Has the client start all of it, with faults for as long as is said. @returns whether it did not come to its end */
  private async work(ms: number): Promise<boolean> {
    const { options, world, injector, sampler } = this;
    const client = world.startClient((options.tasks * 1000) / ms, this.startedAt);
    sampler.start();
    injector.start(options.calm ? [] : scheduleOf(options.seed, options.minutes, options.faultsPerMinute));
    const calm = setTimeout(() => injector.end(), ms);
    this.onInterrupt = () => injector.end();
    if (this.isInterrupted) this.onInterrupt();
    const isStuck = !(await within(client.untilEnded(), ms * PATIENCE_TIMES + PATIENCE_MS));
    clearTimeout(calm);
    this.endedAt = realNow();
    injector.end();
    sampler.stop();
    return isStuck;
  }

  private async judge(ledger: Ledger, isStuck: boolean): Promise<Findings> {
    const { world, folder, injector, options } = this;
    const { seed, tasks } = options;
    const stillOpen = await untilClosed(world.engineUrl);
    const slow = await world.stopWorkers();
    const began = realNow();
    const { engineUrl, parts } = world;
    const verification = await verify({ folder, engineUrl, seed, tasks, ledger, parts, faults: injector.done });
    const verifySeconds = (realNow() - began) / 1000;
    const progress = this.progress(ledger);
    const isShort = !this.isInterrupted && ledger.begunCount !== tasks;
    await world.close();
    const wrong = [
      ...(isStuck ? ["the client has not come to its end"] : []),
      ...(isShort ? [`${ledger.begunCount} of ${tasks} starts were begun`] : []),
      ...slow.map((name) => `${name} did not end when it was told to`),
      ...crashesOf(world),
      ...(stillOpen > 0 ? [`${stillOpen} runs did not come to their ends`] : []),
      ...(await leftBehind(folder)).map((pid) => `process ${pid} was left behind`),
      ...progress.growth.filter(({ isFlat }) => !isFlat).map(({ part }) => `${part} grows`),
      ...verification.wrong,
    ];
    return { ...progress, verification, verifySeconds, isInterrupted: this.isInterrupted, wrong };
  }

  private progress(ledger: Ledger): Progress {
    const { options, sampler, injector, world, loads } = this;
    ledger.catchUp();
    this.peakMb = Math.max(this.peakMb, process.memoryUsage.rss() / 1024 / 1024);
    return {
      options,
      seconds: ((this.endedAt ?? realNow()) - this.startedAt) / 1000,
      ledger,
      timeline: timelineOf(this.startedAt, ledger, sampler.samples, injector.done),
      faults: injector.done,
      missing: injector.missing,
      growth: sampler.growth(),
      counts: new Map(Array.from(world.edges, ([name, { counts: done }]) => [name, { ...done }])),
      parts: [...world.parts.values()],
      driver: { peakMb: this.peakMb, cpuMs: useOf([process.pid]).cpuMs },
      loads,
    };
  }

  /** Each minute: what is known is written, so that it is known even if this process is killed, too. */
  private checkpoint(ledger: Ledger): void {
    this.loads.push(loadavg()[0] ?? 0);
    const progress = this.progress(ledger);
    if (this.endedAt === undefined && this.options.page !== undefined) {
      writePage(this.options.page, progress, progressPageOf);
    }
    const { rows } = progress.timeline;
    const last = rows.at(-2) ?? rows.at(-1);
    process.stderr.write(
      `${Math.round(progress.seconds)} s: ${ledger.acknowledgedCount} acknowledged, ${ledger.endedCount} ended, ${((last?.ends ?? 0) / 60).toFixed(0)}/s, p99 ${last?.quickP99 ?? 0} ms, ${progress.faults.length} faults, load ${(this.loads.at(-1) ?? 0).toFixed(1)}, driver ${this.peakMb.toFixed(0)} MB\n`,
    );
  }

  /** The first time: no more starts and no more faults, and all that was started is verified. The second time: the end. */
  private interrupt(): void {
    if (this.isInterrupted) {
      void this.world.close().then(() => process.exit(130));
      return;
    }
    this.isInterrupted = true;
    process.stderr.write(
      "ending early: what was started is brought to its end, and verified; once more to end at once\n",
    );
    writeFileSync(stopFile(this.folder), "");
    this.onInterrupt();
  }
}

/** What ended by itself, though nobody told it to, or complained: an engine may, where its disk is full as it starts. */
function crashesOf(world: World): readonly string[] {
  return [...world.parts.values()].flatMap(({ name, lives, complaints }) => {
    const crashes = lives.filter(({ end }) => end === "crashed").length;
    const isFull = name === "engine" && complaints.includes("disk is full");
    if (isFull || (crashes === 0 && complaints === "")) return [];
    return [`${name} crashed ${crashes} times, and said: ${complaints.slice(0, 400)}`];
  });
}

/** Resolves when nothing is open, and has not been for a while: a start that waits in a socket may still come. @returns what is open */
async function untilClosed(url: string): Promise<number> {
  const until = realNow() + SETTLE_MS;
  for (let quiet = 0; ; ) {
    let open = 0;
    for await (const run of recordedRuns(url, "&status=running")) if (run.status === "running") open++;
    quiet = open === 0 ? quiet + 1 : 0;
    if (quiet >= QUIET_LOOKS || realNow() > until) return open;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What is killed with its parent is gone soon, and not at once. */
async function leftBehind(folder: string): Promise<readonly number[]> {
  const until = realNow() + GONE_MS;
  for (;;) {
    const left = withEnvironment(`CHAOS_FOLDER=${folder}`);
    if (left.length === 0 || realNow() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}
