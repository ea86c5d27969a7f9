import { existsSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@durable-workflow/test-support/engine-client";
import { until } from "@durable-workflow/test-support/patience";
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

/** Kills a dev in the middle of an activity, and starts another. */
async function killed(life: number) {
  const cwd = folderOf({ "a.mjs": ACTIVITIES });
  const mark = join(cwd, "begun");
  const first = await dev(cwd);
  await first.client.started("once", "default", { activity_id: "held", input: [mark] });
  await until(() => existsSync(mark), `the activity of life ${life}`);
  await first.running.stop("SIGKILL");
  const { running, client } = await dev(cwd);
  const upAt = Date.now();
  const isOver = async (): Promise<boolean> => (await client.describe("held", "?wait=5")).status !== "running";
  await until(isOver, "its end");
  const { body } = await client.call("GET", "/api/activities/held");
  await running.stop("SIGKILL");
  return { upAt, body };
}

it("what a killed dev held runs again as soon as the next one has started, before its lease is over", async () => {
  for (let life = 1; ; life++) {
    const { upAt, body } = await killed(life);
    expect(body).toMatchObject({ status: "completed", attempts: [{ status: "expired" }, { status: "completed" }] });
    const [before] = body.attempts;
    const leasedUntil = Date.parse(before.last_heartbeat_at ?? before.started_at) + LEASE_MS;
    // On a machine where dev starts too slowly for that, nothing is shown by when the lease ended.
    if (upAt > leasedUntil - LEASE_MS / 5) continue;
    expect(Date.parse(before.closed_at)).toBeLessThan(leasedUntil);
    return;
  }
});
