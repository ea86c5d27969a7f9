import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { createLocalEngine, type LocalEngineOptions } from "../src/index.js";
import { cleanUp, openEngine, temporaryFolder } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

const SCRIPT = fileURLToPath(new URL("support/blocked-engine.mjs", import.meta.url));

interface Blockable {
  readonly client: Client;
  /** Resolves once the engine's thread stands still. */
  readonly block: (ms: number) => Promise<void>;
}

async function blockableEngine(options: Partial<LocalEngineOptions>): Promise<Blockable> {
  const argument = JSON.stringify({ file: ":memory:", ...options });
  const child = spawn(process.execPath, [SCRIPT, argument], { stdio: ["pipe", "pipe", "inherit"] });
  cleanUp(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, "line")) as [string];
  return {
    client: new Client(`http://127.0.0.1:${port}`),
    async block(ms) {
      child.stdin.write(`${ms}\n`);
      await once(lines, "line");
    },
  };
}

/** So long that it does not run out because this process stands still on a busy machine. */
const LEASE_SECONDS = 6;

describe("after a gap, what came in counts before leases and deadlines are enforced", () => {
  it("a thread that was blocked for longer than the lease", async () => {
    const { client, block } = await blockableEngine({ leaseSeconds: LEASE_SECONDS, longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    await client.started("t", "q", { activity_id: "b", start_to_close_timeout_seconds: LEASE_SECONDS });
    const held = [await client.take("w", "q"), await client.take("w", "q")];
    await block(LEASE_SECONDS * 1000 + 1500);
    // They wait in the socket's buffer while the lease runs out.
    const reports = held.map((one) => client.report("complete", one!, { result: ["done".repeat(20_000)] }));
    for (const { status } of await Promise.all(reports)) expect(status).toBe(200);
    for (const id of ["a", "b"]) {
      expect(await client.describe(id)).toMatchObject({ status: "completed", attempt_count: 1 });
    }
  });

  it("a report that begins only once the thread runs again, as one of the same process does", async () => {
    const { client, block } = await blockableEngine({ leaseSeconds: LEASE_SECONDS, longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const held = await client.take("w", "q");
    await block(LEASE_SECONDS * 1000 + 1500);
    // Answered as soon as the thread runs.
    await client.describe("a");
    await sleep(100);
    expect((await client.report("complete", held!)).status).toBe(200);
  });

  it("a worker that has gone is not waited for", async () => {
    const { client, block } = await blockableEngine({ leaseSeconds: LEASE_SECONDS, longPollSeconds: 20 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    await client.take("w", "q");
    await block(LEASE_SECONDS * 1000 + 500);
    expect((await client.take("w", "q"))?.task.attempt_number).toBe(2);
  });

  it("an engine that was away", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const clock = new FakeClock();
    const before = await openEngine({ file, clock, longPollSeconds: 0 });
    await before.client.register("w", "q", ["t"]);
    await before.client.started("t", "q", { activity_id: "a" });
    await before.client.started("t", "q", { activity_id: "b" });
    const [first, second] = [await before.client.take("w", "q"), await before.client.take("w", "q")];
    await before.engine.close();
    clock.jump(3_600_000);
    const engine = createLocalEngine({ file, clock, longPollSeconds: 0 });
    cleanUp(() => engine.close());
    const client = new Client((await engine.listen()).url);
    await clock.advance(4000);
    expect((await client.report("complete", first!)).status).toBe(200);
    await clock.advance(2000);
    expect((await client.report("complete", second!)).body).toMatchObject({ reason: "stale_attempt" });
  });
});
