import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { root } from "./support/cli.js";

/** Commands that read standard input, which others hold open: one signal ends them. */
function begin(...args: readonly string[]) {
  const child = spawn(process.execPath, [`${root}packages/cli/dist/bin.js`, ...args], {
    env: { PATH: process.env["PATH"] ?? "", DW_CONFIG_HOME: "/nowhere" },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  // With all that it has said: "exit" may come before that.
  const exited = once(child, "close") as Promise<[number | null, string | null]>;
  return { child, exited };
}

it("the server for agents ends with SIGTERM", async () => {
  const { child, exited } = begin("mcp", "--server", "http://127.0.0.1:9");
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

it.each([
  ["start", ["start", "greet", "-"], 2],
  ["inspect", ["inspect", "-"], 78],
])("%s that waits for more ends with SIGINT, and says why", async (_, args, status) => {
  const { child, exited } = begin(...args);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  // More than a pipe holds: once all of it is taken, the command reads, and one that reads listens for signals.
  await new Promise((resolve) => {
    child.stdin.write(`[${" ".repeat(1 << 20)}`, resolve);
  });
  child.kill("SIGINT");
  expect(await exited).toEqual([status, null]);
  expect(said).toMatch(/has not ended, and the command was stopped/);
});
