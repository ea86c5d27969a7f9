// The command as it is installed: `dev` with an activity in TypeScript, `start` against it, and its MCP server. Prints what they said.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const PROGRAM = "node_modules/@durable-workflow/carrier-cli/dist/bin.js";
const begin = (...args) => spawn(process.execPath, [PROGRAM, ...args], { stdio: ["pipe", "pipe", "inherit"] });
const linesOf = (child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]();

writeFileSync(
  "greet.mts",
  "enum Word { Hello = 'Hello' }\nexport const greet = (name: string) => `${Word.Hello}, ${name}`;\n",
);
const dev = begin("dev", "greet.mts", "--memory", "--engine-port", "0", "--json");
const { engineUrl } = JSON.parse((await linesOf(dev).next()).value);
const args = [PROGRAM, "start", "greet", '["Ada"]', "--server", engineUrl, "--json"];
const started = spawnSync(process.execPath, args, { encoding: "utf8" });
const { activity } = JSON.parse(started.stdout.trim().split("\n").at(-1));
const { status, result } = activity;

const answer = { status, result };
if (process.argv.includes("mcp")) {
  const mcp = begin("mcp", "--server", engineUrl);
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  mcp.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
  answer.mcp = JSON.parse((await linesOf(mcp).next()).value).result.serverInfo.name;
  mcp.kill();
  await once(mcp, "exit");
}
dev.kill();
await once(dev, "exit");
console.log(JSON.stringify(answer));
