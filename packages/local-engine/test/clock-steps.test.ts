import { join } from "node:path";
import { Client } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { arrived, cleanUp, openEngine, temporaryFolder } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

/** A wall clock that can be set, beside one that cannot. */
class SteppingClock extends FakeClock {
  private stepped = 0;

  override now(): number {
    return super.now() + this.stepped;
  }

  monotonic(): number {
    return super.now() - 1_000_000;
  }

  step(ms: number): void {
    this.stepped += ms;
  }
}

describe.each([
  ["an hour back", -HOUR],
  ["a year back", -YEAR],
  ["an hour forward", HOUR],
])("a clock that is set %s", (_, step) => {
  it("holds up neither first attempts nor retries, expiries nor deadlines, and hurries none", async () => {
    const clock = new SteppingClock();
    const { client } = await openEngine({ clock, longPollSeconds: 600, leaseSeconds: 60 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "leased" });
    const leased = await client.take("w", "q");
    await client.started("t", "q", {
      activity_id: "retried",
      retry_policy: { max_attempts: 2, backoff_seconds: [30] },
    });
    await client.report("fail", (await client.take("w", "q"))!, { failure: { message: "no" } });
    await client.started("t", "other", { activity_id: "bounded", schedule_to_close_timeout_seconds: 45 });
    await client.started("t", "late", { activity_id: "waiting" });
    const poll = client.take("w", "q");
    await arrived();

    clock.step(step);
    await clock.advance(1000);
    await client.register("w2", "late", ["t"]);
    expect((await client.take("w2", "late"))?.task.workflow_id).toBe("waiting");
    const seen = await client.describe("retried");
    expect(seen).toMatchObject({ activity_status: "pending", attempt_count: 1 });
    await clock.advance(28_500);
    expect(await client.describe("retried")).toMatchObject({ activity_status: "pending" });
    await clock.advance(1000);
    const second = await poll;
    expect(second?.task).toMatchObject({ workflow_id: "retried", attempt_number: 2 });
    // What is said of it is said by the clock as it is now.
    expect(Math.abs(Date.parse(second?.task.lease_expires_at) - clock.now() - 60_000)).toBeLessThan(1000);
    expect(await client.describe("bounded")).toMatchObject({ status: "running" });
    await clock.advance(15_000);
    expect(await client.describe("bounded")).toMatchObject({ closed_reason: "timed_out" });
    expect(await client.describe("leased")).toMatchObject({ activity_status: "running" });
    await clock.advance(15_000);
    expect((await client.report("complete", leased!)).body).toMatchObject({ reason: "stale_attempt" });
    expect((await client.take("w", "q"))?.task).toMatchObject({ workflow_id: "leased", attempt_number: 2 });
  });
});

describe("a clock that was a year ahead", () => {
  it("and is corrected while no engine runs", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const ahead = new FakeClock(Date.UTC(2999, 5, 1) + YEAR);
    const before = await openEngine({ file, clock: ahead, longPollSeconds: 0 });
    await before.client.register("w", "q", ["t"]);
    await before.client.started("t", "q", {
      activity_id: "retried",
      retry_policy: { max_attempts: 2, backoff_seconds: [30] },
    });
    await before.client.report("fail", (await before.client.take("w", "q"))!, { failure: { message: "no" } });
    await before.client.started("t", "q", { activity_id: "waiting" });
    await before.engine.close();

    const clock = new FakeClock(Date.UTC(2999, 5, 1));
    const warnings: unknown[] = [];
    const warn = (fields: unknown): void => {
      warnings.push(fields);
    };
    const engine = createLocalEngine({ file, clock, longPollSeconds: 0, logger: { info() {}, warn, error() {} } });
    cleanUp(() => engine.close());
    const client = new Client((await engine.listen()).url);
    expect(warnings).toEqual([{ stepSeconds: expect.closeTo(-YEAR / 1000, 0) }]);
    expect((await client.take("w", "q"))?.task.workflow_id).toBe("waiting");
    expect(await client.take("w", "q")).toBeUndefined();
    await clock.advance(30_001);
    expect((await client.take("w", "q"))?.task).toMatchObject({ workflow_id: "retried", attempt_number: 2 });
  });
});
