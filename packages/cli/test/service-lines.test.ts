import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { buildTaskInput, type CarrierClient, carrierClient } from "@durable-workflow/carrier/testing";
import { expect, it, onTestFinished } from "vitest";
import { folderOf, jsonLines, root } from "./support/cli.js";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
const TASKS = 400;
const ACTIVITIES = `
import { defineActivity } from "@durable-workflow/carrier";
export const one = (text) => text.length;
export const last = defineActivity({
  name: "last",
  run({ logger }) {
    logger.warn({}, "This is the end.");
    process.kill(process.pid, "SIGKILL");
  },
});
`;

interface Served {
  readonly client: CarrierClient;
  readonly stdout: Readable;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** How it ended, and all that it has said. */
  readonly ended: () => Promise<{ readonly code: number | null; readonly lines: readonly Record<string, unknown>[] }>;
}

async function served(): Promise<Served> {
  const cwd = folderOf({ "a.mjs": ACTIVITIES });
  mkdirSync(join(cwd, "node_modules/@durable-workflow"), { recursive: true });
  symlinkSync(join(root, "packages/carrier"), join(cwd, "node_modules/@durable-workflow/carrier"));
  const child = spawn(process.execPath, [BIN, "serve", "a.mjs", "--port", "0", "--json", "--linger", "0"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  const url = await new Promise<string>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const [, found] = /"url":"([^"]+)"/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    client: carrierClient(url),
    stdout: child.stdout,
    kill: (signal) => child.kill(signal),
    async ended() {
      const [code] = (await closed) as [number | null];
      return { code, lines: jsonLines(text) };
    },
  };
}

const taskOf = (activityType: string, taskId: string): object =>
  buildTaskInput({ taskId, activityType, args: ["x"], workflowId: "w".repeat(200) });

it("tells each task once, in order, although nobody reads for a while", async () => {
  const { client, stdout, kill, ended } = await served();
  stdout.pause();
  for (let count = 0; count < TASKS; count++) await client.send(taskOf("one", `task-${count}`));
  kill("SIGTERM");
  stdout.resume();
  const { code, lines } = await ended();
  expect(code).toBe(0);
  expect(lines.filter(({ event }) => event === "task").map(({ task }) => task)).toEqual(
    Array.from({ length: TASKS }, (_, count) => `task-${count}`),
  );
  expect(lines.slice(-2).map(({ event }) => event)).toEqual(["stopping", "stopped"]);
});

it("has written what an activity logs before the activity goes on", async () => {
  const { client, ended } = await served();
  await client.send(taskOf("one", "task-1"));
  await client.send(taskOf("last", "task-2")).catch(() => undefined);
  const { lines } = await ended();
  expect(lines.slice(1).map(({ event, task, message }) => [event, task ?? message])).toEqual([
    ["task", "task-1"],
    ["log", "This is the end."],
  ]);
});
