import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@durable-workflow/test-support/engine-client";
import { expect, it } from "vitest";
import { begin, folderOf, jsonLines, type Running } from "./support/cli.js";

/** Of the engine that dev runs. */
const LEASE_MS = 15_000;

/** Its first attempt never ends; the next one returns at once. */
const ACTIVITIES = `
import { existsSync, writeFileSync } from "node:fs";
export const once = (file) => {
  if (existsSync(file)) return "done";
  writeFileSync(file, "");
  return new Promise(() => {});
};
`;

async function dev(cwd: string): Promise<{ readonly running: Running; readonly client: Client }> {
  const running = begin(["dev", "a.mjs", "--engine-port", "0", "--json"], { cwd });
  await running.until(/"engineUrl"/);
  const started = jsonLines(running.stdout).find((line) => "engineUrl" in line);
  return { running, client: new Client(String(started?.["engineUrl"])) };
}

it("what a killed dev held runs again as soon as the next one has started, before its lease is over", async () => {
  const cwd = folderOf({ "a.mjs": ACTIVITIES });
  const mark = join(cwd, "begun");
  const first = await dev(cwd);
  await first.client.started("once", "default", { activity_id: "held", input: [mark] });
  while (!existsSync(mark)) await sleep(20);
  await first.running.stop("SIGKILL");
  const { client } = await dev(cwd);
  const { body } = await client.call("GET", "/api/activities/held?wait=20");
  expect(body).toMatchObject({ status: "completed", attempts: [{ status: "expired" }, { status: "completed" }] });
  const [before] = body.attempts;
  const leasedUntil = Date.parse(before.last_heartbeat_at ?? before.started_at) + LEASE_MS;
  expect(Date.parse(before.closed_at)).toBeLessThan(leasedUntil);
});
