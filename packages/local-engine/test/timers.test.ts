import { join } from "node:path";
import { Client, type Held } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { cleanUp, openEngine, temporaryFolder } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

const options = { longPollSeconds: 0 };

describe("deadlines", () => {
  it("start_to_close: another attempt after the backoff, then the end", async () => {
    const { client, clock } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    const policy = { retry_policy: { max_attempts: 2, backoff_seconds: [3] }, start_to_close_timeout_seconds: 10 };
    await client.started("t", "q", { activity_id: "a", ...policy });
    const first = await client.take("w", "q");
    await clock.advance(9_900);
    expect((await client.report("heartbeat", first!)).body).toMatchObject({ can_continue: true });
    await clock.advance(101);
    expect((await client.report("heartbeat", first!)).body).toMatchObject({
      can_continue: false,
      reason: "attempt_closed",
    });
    expect(await client.take("w", "q")).toBeUndefined();
    await clock.advance(3000);
    const second = await client.take("w", "q");
    expect(second?.task.attempt_number).toBe(2);
    expect(second?.taskId).not.toBe(first?.taskId);
    await clock.advance(10_001);
    expect((await client.report("complete", second!)).body).toMatchObject({ reason: "stale_attempt", recorded: false });
    expect(await client.describe("a")).toMatchObject({
      status: "failed",
      closed_reason: "timed_out",
      failure: { timeout_type: "start_to_close", failure_category: "timeout" },
      attempts: [{ status: "timed_out" }, { status: "timed_out" }],
    });
    expect((await client.history("a")).map(({ event_type: type, sequence }) => `${sequence} ${type}`)).toEqual([
      "1 StartAccepted",
      "2 WorkflowStarted",
      "3 ActivityScheduled",
      "4 ActivityStarted",
      "5 ActivityHeartbeatRecorded",
      "6 ActivityRetryScheduled",
      "7 ActivityStarted",
      "8 ActivityTimedOut",
      "9 WorkflowFailed",
    ]);
  });

  it("schedule_to_start: nobody came", async () => {
    const { client, clock } = await openEngine(options);
    await client.started("t", "q", { activity_id: "a", schedule_to_start_timeout_seconds: 5 });
    await clock.advance(5001);
    expect(await client.describe("a")).toMatchObject({
      closed_reason: "timed_out",
      attempt_count: 1,
      attempts: [],
      failure: { timeout_type: "schedule_to_start" },
    });
  });

  it("schedule_to_close: ends it between attempts, and while one runs", async () => {
    const { client, clock } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    const policy = { retry_policy: { max_attempts: 9, backoff_seconds: [60] }, schedule_to_close_timeout_seconds: 30 };
    await client.started("t", "q", { activity_id: "between", ...policy });
    await client.report("fail", (await client.take("w", "q"))!, { failure: { message: "no" } });
    await client.started("t", "q", { activity_id: "running", ...policy });
    const held = await client.take("w", "q");
    await clock.advance(30_001);
    for (const id of ["between", "running"]) {
      expect(await client.describe(id)).toMatchObject({ failure: { timeout_type: "schedule_to_close" } });
    }
    expect((await client.report("heartbeat", held!)).body.can_continue).toBe(false);
  });

  it("heartbeat: every heartbeat moves it", async () => {
    const { client, clock } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", heartbeat_timeout_seconds: 3 });
    const held = await client.take("w", "q");
    for (let beat = 0; beat < 5; beat++) {
      await clock.advance(2000);
      const { body } = await client.report("heartbeat", held!, { current: beat, total: 5, unit: "rows" });
      expect(body.can_continue).toBe(true);
    }
    await clock.advance(3001);
    expect(await client.describe("a")).toMatchObject({ failure: { timeout_type: "heartbeat" } });
    const beats = (await client.history("a")).filter(({ event_type: type }) => type === "ActivityHeartbeatRecorded");
    expect(beats.at(-1)?.payload.progress).toEqual({ current: 4, total: 5, unit: "rows" });
  });
});

describe("a lease", () => {
  it("that runs out gives the same task to another worker, with the next attempt number", async () => {
    const { client, clock } = await openEngine({ ...options, leaseSeconds: 20 });
    await client.register("one", "q", ["t"]);
    await client.register("two", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const first = await client.take("one", "q");
    await clock.advance(15_000);
    await client.report("heartbeat", first!);
    await clock.advance(15_000);
    expect(await client.take("two", "q")).toBeUndefined();
    await clock.advance(5001);
    const second = await client.take("two", "q");
    expect(second).toMatchObject({ taskId: first?.taskId, task: { attempt_number: 2 } });
    expect((await client.report("complete", first!)).body).toMatchObject({ reason: "stale_attempt" });
    expect((await client.report("complete", { ...second!, owner: "one" })).body).toMatchObject({
      reason: "lease_owner_mismatch",
      lease_owner: "two",
    });
    expect((await client.report("complete", second!)).status).toBe(200);
    expect((await client.describe("a")).attempts).toMatchObject([{ status: "expired" }, { status: "completed" }]);
  });

  it("lasts 300 seconds by default", async () => {
    const { client, clock } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    await client.started("t", "q");
    const held = await client.take("w", "q");
    const left = Date.parse(held?.task.lease_expires_at) - clock.now();
    expect(left).toBe(300_000);
  });
});

describe("after a restart", () => {
  it("everything that was timed goes on", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const clock = new FakeClock();
    const before = await openEngine({ file, clock, ...options });
    const { client } = before;
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", {
      activity_id: "retried",
      retry_policy: { max_attempts: 2, backoff_seconds: [50] },
    });
    await client.report("fail", (await client.take("w", "q"))!, { failure: { message: "no" } });
    await client.started("t", "q", { activity_id: "leased" });
    const leased = await client.take("w", "q");
    await client.started("t", "q", { activity_id: "silent", heartbeat_timeout_seconds: 40 });
    await client.take("w", "q");
    await client.started("t", "other", { activity_id: "unwanted", schedule_to_start_timeout_seconds: 45 });
    await client.started("t", "other", { activity_id: "bounded", schedule_to_close_timeout_seconds: 1000 });
    await before.engine.close();
    clock.jump(30_000);

    const engine = createLocalEngine({ file, clock, ...options });
    cleanUp(() => engine.close());
    const again = new Client((await engine.listen()).url);
    const statusOf = async (id: string): Promise<string> => {
      const { activity_status: status, closed_reason: reason } = await again.describe(id);
      return `${status} ${reason}`;
    };
    await clock.advance(10);
    expect(await statusOf("silent")).toBe("running null");
    await clock.advance(11_000);
    expect(await statusOf("silent")).toBe("failed timed_out");
    expect(await statusOf("unwanted")).toBe("pending null");
    await clock.advance(5000);
    expect(await statusOf("unwanted")).toBe("failed timed_out");
    // The worker is still registered, and the backoff has not gone by.
    expect(await again.take("w", "q")).toBeUndefined();
    await clock.advance(5000);
    expect((await again.take("w", "q"))?.task).toMatchObject({ workflow_id: "retried", attempt_number: 2 });
    expect((await again.report("heartbeat", leased as Held)).body.can_continue).toBe(true);
    await clock.advance(301_000);
    expect(await statusOf("leased")).toBe("pending null");
    await clock.advance(700_000);
    expect(await statusOf("bounded")).toBe("failed timed_out");
  });

  it("what fell due in between is done once workers have had five seconds to report", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const clock = new FakeClock();
    const before = await openEngine({ file, clock, ...options });
    for (let n = 0; n < 450; n++) {
      await before.client.started("t", "q", { activity_id: `a${n}`, schedule_to_start_timeout_seconds: 5 });
    }
    await before.engine.close();
    clock.jump(3_600_000);
    const engine = createLocalEngine({ file, clock, ...options });
    cleanUp(() => engine.close());
    const client = new Client((await engine.listen()).url);
    await clock.advance(4999);
    expect(await client.describe("a449")).toMatchObject({ status: "running" });
    await clock.advance(1);
    await clock.advance(1);
    expect(await client.describe("a449")).toMatchObject({ closed_reason: "timed_out" });
    const { body } = await client.call("GET", "/api/activities?status=running");
    expect(body.activity_count).toBe(0);
  });
});
