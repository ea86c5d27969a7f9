import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "@durable-workflow/test-support/patience";
import { afterAll, expect, it } from "vitest";
import { ScriptedEngine } from "./support/scripted-engine.js";

const service = fileURLToPath(new URL("support/service.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dispatcher-signals-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("a second signal leaves no command running that nobody waits for any more", async () => {
  const [file, pidFile] = [join(folder, "executor.json"), join(folder, "pid")];
  const stubborn = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);
    require("node:fs").writeFileSync(${JSON.stringify(pidFile)}, process.pid + "\\n")`;
  const config = {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "lamps" },
    carriers: { cli: { type: "process", command: [process.execPath, "-e", stubborn] } },
    mappings: [{ name: "t", kind: "activity", activity_type: "t", carrier: "cli", handler: "t" }],
  };
  writeFileSync(file, JSON.stringify(config));
  const engine = new ScriptedEngine();
  await engine.start();
  const child = spawn(process.execPath, [service], {
    env: { ...process.env, ENGINE: engine.url, DW_EXTERNAL_EXECUTOR_CONFIG_PATH: file },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let lines = "";
  child.stdout.on("data", (chunk) => {
    lines += String(chunk);
  });
  const exit = new Promise((resolve) => child.once("exit", resolve));
  engine.schedule({ type: "t" });
  await until(() => existsSync(pidFile) && readFileSync(pidFile, "utf8").endsWith("\n"), "the command");
  const pid = Number(readFileSync(pidFile, "utf8"));
  child.kill("SIGTERM");
  await until(() => lines.includes('"event":"draining"'), "the drain");
  child.kill("SIGTERM");
  expect(await exit).toBe(143);
  try {
    await until(() => !isAlive(pid), "the command's end");
  } finally {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await engine.stop();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
