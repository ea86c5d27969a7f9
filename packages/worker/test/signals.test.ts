import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "@durable-workflow/test-support/patience";
import { afterEach, beforeEach, expect, it } from "vitest";
import { resultOf, WORKER_TOKEN, World } from "./support/world.js";

const program = fileURLToPath(new URL("support/steered.mjs", import.meta.url));

let world: World;
let child: ChildProcess;
let said = "";
let complaints = "";
beforeEach(async () => {
  world = await World.begin();
});
afterEach(async () => {
  child.kill("SIGKILL");
  await world.end();
});

async function begin(environment: Record<string, string>): Promise<Promise<readonly unknown[]>[]> {
  const env = { ...process.env, ENGINE: world.gateway.url, TOKEN: WORKER_TOKEN, DRAIN_MS: "20000", ...environment };
  child = spawn(process.execPath, [program], { env, stdio: ["ignore", "pipe", "pipe"] });
  said = complaints = "";
  child.stdout?.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr?.on("data", (text: Buffer) => (complaints += text.toString()));
  // With all that it has said: "exit" may come before that.
  const exited = once(child, "close");
  await until(() => said.includes("registered"), "the registration");
  return [exited];
}

it("SIGTERM drains: what runs is reported, and the process ends with 0", async () => {
  const [exited] = await begin({});
  const id = await world.schedule("slow");
  await until(() => said.includes("begun"), "the handler");
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(resultOf(await world.closed(id))).toBe("done");
});

it("ends with 1 when tasks were left, and fails none of them", async () => {
  const [exited] = await begin({ DRAIN_MS: "100" });
  await world.schedule("hangs");
  await until(() => said.includes("begun"), "the handler");
  child.kill("SIGINT");
  expect(await exited).toEqual([1, null]);
  expect(world.callsOf("fail")).toEqual([]);
});

it("a second signal ends the process at once, and nothing is reported", async () => {
  const [exited] = await begin({});
  await world.schedule("hangs");
  await until(() => said.includes("begun"), "the handler");
  child.kill("SIGTERM");
  // Two that come before it looks are one.
  await until(() => said.includes("draining"), "the drain");
  child.kill("SIGTERM");
  expect(await exited).toEqual([143, null]);
  expect([...world.callsOf("complete"), ...world.callsOf("fail")]).toEqual([]);
});

it("leaves an error that nobody catches to Node, at once or after two seconds for the others", async () => {
  const [exited] = await begin({ FATAL: "yes" });
  const other = await world.schedule("slow");
  await until(() => said.includes("begun"), "the handler");
  await world.schedule("stray");
  expect(await exited).toEqual([1, null]);
  expect(complaints).toContain("RangeError: nobody waits for this");
  expect(resultOf(await world.closed(other))).toBe("done");
  const [again] = await begin({ FATAL: "no" });
  await world.schedule("stray");
  expect(await again).toEqual([1, null]);
  expect(complaints).toContain("RangeError: nobody waits for this");
});
