import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { listen } from "@durable-workflow/test-support/loopback";
import { until } from "@durable-workflow/test-support/patience";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, type Finished, folderOf, type Running } from "./support/cli.js";

/** What a command that runs until it is stopped does with a signal that comes before it runs. */

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
const CONFIG = JSON.stringify({
  schema: "durable-workflow.external-executor.config",
  version: 1,
  defaults: { task_queue: "q" },
  carriers: { web: { type: "invocable_http", url: "http://127.0.0.1:9/" } },
  mappings: [{ name: "a", kind: "activity", activity_type: "a", carrier: "web", handler: "a" }],
});
const FILES = {
  "a.mjs": "export const a = () => 1;",
  // Says that it is being loaded, and is never loaded.
  "hangs.mjs": `import { writeFileSync } from "node:fs"; writeFileSync("loading", "");
    await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1)); export const a = () => 1;`,
  // Its thread is blocked: only another process can end it.
  "blocks.mjs": `import { writeFileSync } from "node:fs"; writeFileSync("loading", ""); for (;;);`,
  "executor.json": CONFIG,
};
const DEV = ["--engine-port", "0"];

/** Where nobody answers, and who knows that somebody has asked. */
async function silence() {
  const server = createServer();
  let asked = 0;
  server.on("connection", (socket) => {
    socket.on("error", () => undefined).on("data", () => asked++);
  });
  const served = await listen(server);
  onTestFinished(() => served.close());
  return { url: served.url, asked: () => until(() => asked > 0, "a request") };
}

const loading = (cwd: string) => until(() => existsSync(join(cwd, "loading")), "a module that is being loaded");

/** Everything that was started in its process group is gone. */
function isGone({ pid }: Running): boolean {
  try {
    process.kill(-pid, 0);
    return false;
  } catch {
    return true;
  }
}

async function stopped(running: Running, signal: NodeJS.Signals): Promise<Finished> {
  onTestFinished(() => {
    if (!isGone(running)) process.kill(-running.pid, "SIGKILL");
  });
  const ended = await Promise.race([running.stop(signal), after(PROMPT_MS, undefined, { ref: false })]);
  if (ended === undefined) throw new Error(`it has not ended; it said:\n${running.stdout}\n${running.stderr}`);
  await until(() => isGone(running), "the end of what it has started");
  return ended;
}

/** Far more than it takes on a busy machine, and less than what is waited for in start-up. */
const PROMPT_MS = 20_000;

/** The commands, as they start when all is well. */
const COMMANDS: Readonly<Record<string, (engine: string) => readonly string[]>> = {
  "dev a file": () => ["dev", "a.mjs", ...DEV],
  "dev an app": (silent) => ["dev", `${silent}/`, "--types", "a", ...DEV],
  engine: () => ["engine", "--port", "0"],
  serve: () => ["serve", "a.mjs", "--port", "0", "--linger", "0"],
  dispatch: (engine) => ["dispatch", "--config", "executor.json", "--server", engine, "--drain", "0"],
};

describe.each(Object.entries(COMMANDS))("%s", (name, args) => {
  it.each(SIGNALS)("ends at a %s whenever it comes, and starts again afterwards", async (signal) => {
    const cwd = folderOf(FILES);
    const engine = begin(["engine", "--port", "0", "--memory", "--json", "--data", "other"], { cwd });
    const [, url = ""] = await engine.until(/"engineUrl":"([^"]+)"/);
    const start = () => begin([...args(url), "--json"], { cwd, detached: true });
    for (const wait of [0, 40, 80, 160, 240, 320, 400]) {
      const running = start();
      await after(wait);
      const { code, stderr } = await stopped(running, signal);
      // Before the command can hear of it, the signal itself ends the process.
      expect([code ?? 0, stderr], `after ${wait} ms`).toEqual([0, ""]);
    }
    const running = start();
    await running.until(name === "dispatch" ? /"registered"|"config_loaded"/ : /"listening"/);
    expect(await stopped(running, signal)).toMatchObject({ code: 0, stderr: "" });
  });
});

/** What start-up may have to wait for, for ever or for long; and how it is known that it does. */
const WAITS: Readonly<Record<string, (silent: string) => readonly [args: readonly string[], loads?: boolean]>> = {
  "dev for a file that is never loaded": () => [["dev", "hangs.mjs", ...DEV], true],
  "dev for a file that blocks its thread": () => [["dev", "blocks.mjs", ...DEV], true],
  "dev for an app that does not answer": (silent) => [["dev", `${silent}/`, ...DEV]],
  "dev for an engine that does not answer": (silent) => [["dev", "a.mjs", "--server", silent]],
  "serve for a file that is never loaded": () => [["serve", "hangs.mjs", "--port", "0"], true],
  "dispatch for an engine that does not answer": (silent) => [
    ["dispatch", "--config", "executor.json", "--server", silent, "--drain", "1"],
  ],
  "ui for an engine that does not answer": (silent) => [["ui", "--server", silent, "--port", "0"]],
  "tail for an engine that does not answer": (silent) => [["tail", "--server", silent]],
};

describe.each(Object.entries(WAITS))("%s", (_, caseOf) => {
  it.each(SIGNALS)("ends at a %s", async (signal) => {
    const cwd = folderOf(FILES);
    const silent = await silence();
    const [args, loads = false] = caseOf(silent.url);
    const running = begin([...args, "--json"], { cwd, detached: true });
    await (loads ? loading(cwd) : silent.asked());
    expect(await stopped(running, signal)).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(join(cwd, ".durable-workflow", "dev.json"))).toBe(false);
  });
});

it.each(["dev", "serve"])("%s --watch ends while it loads a change that is never loaded", async (command) => {
  const cwd = folderOf(FILES);
  const port = command === "dev" ? "--engine-port" : "--port";
  const running = begin([command, "a.mjs", "--watch", port, "0", "--json"], { cwd, detached: true });
  await running.until(/"listening"/);
  writeFileSync(join(cwd, "a.mjs"), FILES["hangs.mjs"]);
  await loading(cwd);
  expect(await stopped(running, "SIGINT")).toMatchObject({ code: 0, stderr: "" });
});
