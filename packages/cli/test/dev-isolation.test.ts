import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { begin, folderOf, jsonLines, type Running, run } from "./support/cli.js";

/** TypeScript, so that what is told names lines that somebody wrote. */
const ACTIVITIES = `
import { setTimeout as sleep } from "node:timers/promises";
interface Unused { readonly a: string }
export const greet = (name: string) => ({ hello: name });
export const stray = () => { Promise.reject(new Error("left alone")); return 1; };
export const lateStray = () => { setTimeout(() => void Promise.reject(new Error("too late")), 100); return "kept"; };
export const timer = async () => { setTimeout(() => { throw new TypeError("in a timer"); }, 20); await sleep(20_000); };
export const exits = async () => { await sleep(1); try { process.exit(3); } catch {} await sleep(20_000); };
export const slow = async (ms: number) => { await sleep(ms); return "slow"; };
export const dies = () => { process.kill(process.pid, "SIGKILL"); return new Promise(() => {}); };
export const pid = () => process.pid;
export const compute = (ms: number) => { const end = Date.now() + ms; while (Date.now() < end); return "computed"; };
function spin(): void {
  for (;;);
}
export const loop = () => { console.log("spinning in", process.pid); spin(); };
export const large = () => "x".repeat(3_000_000);
export const fail = (): never => { throw new Error("no such luck"); };
export const useUp = () => { const all: unknown[] = []; for (;;) all.push(new Array(1_000_000).fill(all.length)); };
`;

async function devWith(
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ dev: Running; cwd: string }> {
  const cwd = folderOf(files);
  const dev = begin(["dev", Object.keys(files)[0] ?? "", "--engine-port", "0", "--memory", "--json", ...args], {
    cwd,
    env,
  });
  await dev.until(/"engineUrl"/);
  return { dev, cwd };
}

const events = (dev: Running, name: string): Record<string, unknown>[] =>
  dev.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .flatMap(jsonLines)
    .filter(({ event }) => event === name);

async function closed(cwd: string, type: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(["start", type, "--json", ...args], { cwd });
  return jsonLines(stdout).at(-1)?.["activity"] as Record<string, unknown>;
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

describe("what an activity of dev does to its process", () => {
  it.each([
    ["stray", /^Error: left alone \(a promise was rejected/, "unhandled_rejection", /at stray .*a\.ts:5:/],
    ["timer", /^TypeError: in a timer \(an exception was caught by nothing/, "uncaught_exception", /a\.ts:7:/],
    ["exits", /^The activity called process\.exit\(3\)/, "process_exit", /at exits .*a\.ts:8:/],
  ])(
    "%s fails that attempt alone, at once, as a crash that is told with its cause",
    async (type, message, cause, stackTrace) => {
      const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
      const [, before] = [await closed(cwd, "greet", '["a"]'), await closed(cwd, "pid")];
      const beside = closed(cwd, "slow", "[2500]", "--id", "beside");
      const crashed = await closed(cwd, type, "--max-attempts", "2", "--backoff", "0");
      expect(crashed).toMatchObject({
        status: "failed",
        failure: { type: "HandlerCrash", message: expect.stringMatching(message) as string },
        attempts: [{ status: "failed" }, { status: "failed" }],
      });
      expect(await beside).toMatchObject({ status: "completed", attempts: [{}] });
      // The process is that of before.
      expect(await closed(cwd, "pid")).toMatchObject({ result: before["result"] });
      expect(events(dev, "crash")).toMatchObject(
        [1, 2].map((attempt) => ({
          cause,
          run: { type, attempt },
          late: false,
          stackTrace: expect.stringMatching(stackTrace) as string,
        })),
      );
      const ends = events(dev, "task").filter((task) => task["type"] === type);
      expect(ends).toMatchObject(
        [1, 2].map((attempt) => ({ attempt, outcome: "failed", failure: { classification: "handler_crash" } })),
      );
    },
    60_000,
  );

  it("what happens once an attempt is over is told, and changes nothing", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
    expect(await closed(cwd, "lateStray")).toMatchObject({ status: "completed", result: "kept" });
    await dev.until(/"event":"crash".*"message":"Error: too late.*"type":"lateStray".*"late":true/);
  }, 30_000);

  it("a kill ends what ran, as a failure that counts; the process starts again, and the engine never stopped", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
    expect(await closed(cwd, "dies", "--max-attempts", "2", "--backoff", "0")).toMatchObject({
      status: "failed",
      failure: {
        type: "HandlerCrash",
        message: expect.stringMatching(/^While this attempt ran, the process .* was killed \(SIGKILL/) as string,
      },
      attempts: [{}, {}],
    });
    expect(await closed(cwd, "greet", '["Ada"]')).toMatchObject({ result: { hello: "Ada" } });
    expect(events(dev, "crash")).toMatchObject(
      [1, 2].map((attempt) => ({ cause: "process_ended", run: null, candidates: [{ type: "dies", attempt }] })),
    );
    expect(events(dev, "restarted")).toHaveLength(2);
    expect((await dev.stop()).code).toBe(0);
  }, 60_000);

  it("memory that is used up ends its process alone", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES }, [], { NODE_OPTIONS: "--max-old-space-size=64" });
    expect(await closed(cwd, "useUp")).toMatchObject({ failure: { type: "HandlerCrash" } });
    expect(await closed(cwd, "greet", '["Ada"]')).toMatchObject({ result: { hello: "Ada" } });
    expect(events(dev, "crash")).toMatchObject([{ cause: "process_ended", candidates: [{ type: "useUp" }] }]);
  }, 60_000);

  it("one that computes for longer than a lease is recorded once, and told while it does", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
    const computed = closed(cwd, "compute", "[18000]", "--max-attempts", "5");
    await dev.until(
      /"cause":"thread_blocked","message":"has blocked .* 5 s.*"run":\{[^}]*"type":"compute","attempt":1/,
    );
    // The engine answers meanwhile.
    expect((await run(["list", "--json"], { cwd })).code).toBe(0);
    expect(await computed).toMatchObject({ status: "completed", result: "computed", attempts: [{}] });
    expect(events(dev, "task")).toMatchObject([{ type: "compute", attempt: 1, outcome: "succeeded" }]);
  }, 60_000);

  it("an endless loop is named with its line, and ended once nobody waits for it; what waits beside it loses nothing", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
    expect((await run(["start", "loop", "--id", "l-1", "--detach"], { cwd })).code).toBe(0);
    const [, pid] = await dev.until(/spinning in (\d+)/);
    const waits = closed(cwd, "greet", '["Ada"]');
    await dev.until(/"cause":"thread_blocked".*at spin .*a\.ts:14:.*"run":\{[^}]*"type":"loop"/);
    expect((await run(["cancel", "l-1"], { cwd })).code).toBe(0);
    expect(await waits).toMatchObject({ status: "completed", attempts: [{}] });
    expect(isGone(Number(pid))).toBe(true);
    expect(events(dev, "crash").at(-1)).toMatchObject({
      cause: "process_ended",
      message: expect.stringContaining("attempt 1 of loop was over and went on computing") as string,
    });
    expect(events(dev, "task").filter(({ type }) => type === "loop")).toMatchObject([{ outcome: "cancelled" }]);
  }, 60_000);

  it.each(["SIGINT", "SIGKILL"] as const)(
    "never outlives dev, whose %s ends an endless loop too",
    async (signal) => {
      const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
      await run(["start", "loop", "--detach"], { cwd });
      const [, pid] = await dev.until(/spinning in (\d+)/);
      const ended = dev.stop(signal);
      if (signal === "SIGINT") await dev.stop(signal);
      await ended;
      await expect.poll(() => isGone(Number(pid)), { timeout: 10_000 }).toBe(true);
    },
    40_000,
  );

  it("--watch mends an endless loop", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES }, ["--watch"]);
    await run(["start", "loop", "--id", "l-1", "--max-attempts", "2", "--detach"], { cwd });
    await dev.until(/"cause":"thread_blocked"/);
    writeFileSync(join(cwd, "a.ts"), 'export const loop = () => "mended";');
    await dev.until(/"event":"task".*"type":"loop","attempt":2.*"outcome":"succeeded"/);
    expect(events(dev, "reloaded")).toMatchObject([{ activities: [{ type: "loop" }] }]);
  }, 40_000);

  it("shows the line at which an activity failed, once", async () => {
    const cwd = folderOf({ "a.ts": ACTIVITIES });
    const dev = begin(["dev", "a.ts", "--engine-port", "0", "--memory"], { cwd });
    await dev.until(/Start one:/);
    expect((await run(["start", "fail"], { cwd })).code).toBe(1);
    await dev.until(/fail {2}attempt 1 {2}failed in \d+ ms {2}Error: no such luck \(final\)\n {10}at fail \(a\.ts:18:/);
    expect(dev.stdout.match(/no such luck/g)).toHaveLength(1);
    expect((await run(["start", "fail", "--max-attempts", "2", "--backoff", "0"], { cwd })).code).toBe(1);
    await dev.until(/attempt 1 {2}failed.*\(will be retried\)\n[^]*attempt 2 {2}failed.*\(final\)\n/);
  }, 30_000);

  it("a result of 3 MB is on record, and told once", async () => {
    const { dev, cwd } = await devWith({ "a.ts": ACTIVITIES });
    expect(await closed(cwd, "large", "--id", "large-1")).toMatchObject({ status: "completed", failure: null });
    await dev.until(/"event":"task".*"type":"large"/);
    expect(events(dev, "task")).toMatchObject([{ type: "large", outcome: "succeeded", failure: null }]);
  }, 30_000);

  it("a file that ends the process while it is loaded is refused", async () => {
    const cwd = folderOf({ "a.mjs": "process.exit(4);" });
    const { code, stderr } = await run(["dev", "a.mjs", "--engine-port", "0", "--memory"], { cwd });
    expect([code, stderr]).toEqual([
      78,
      "dw-carrier: the process of the activities exited with 4 while it loaded the files\n",
    ]);
  });

  it("--inspect lets a debugger attach to the activities", async () => {
    const { dev } = await devWith({ "a.ts": ACTIVITIES }, ["--inspect=0"]);
    const [, address] = await dev.until(/Debugger listening on ws:\/\/(127\.0\.0\.1:\d+)\//);
    const targets = (await (await fetch(`http://${address}/json/list`)).json()) as { title: string }[];
    expect(targets).toMatchObject([{ title: expect.stringContaining("host-entry") as string }]);
  }, 30_000);
});
