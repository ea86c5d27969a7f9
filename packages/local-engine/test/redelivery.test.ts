import type { Client } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { openEngine } from "./support/engine.js";
import type { FakeClock } from "./support/fake-clock.js";

const options = { longPollSeconds: 0, leaseSeconds: 10 };

/** Takes a task as often as it is handed out, and never reports. */
async function killWorkers(client: Client, clock: FakeClock): Promise<number> {
  let deliveries = 0;
  for (let round = 0; round < 30; round++) {
    if ((await client.take("w", "q")) !== undefined) deliveries++;
    await clock.advance(10_001);
  }
  return deliveries;
}

describe("a task that ends every process that runs it", () => {
  it.each([
    { policy: {}, deliveries: 4 },
    { policy: { max_attempts: 1 }, deliveries: 4 },
    { policy: { max_attempts: 6 }, deliveries: 6 },
    { policy: { max_attempts: 9, non_retryable_error_types: ["LeaseExpired"] }, deliveries: 4 },
  ])("with $policy is handed out $deliveries times", async ({ policy, deliveries }) => {
    const { client, clock } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", retry_policy: policy });
    expect(await killWorkers(client, clock)).toBe(deliveries);
    const described = await client.describe("a");
    expect(described).toMatchObject({
      status: "failed",
      closed_reason: "failed",
      attempt_count: deliveries,
      failure: { type: "LeaseExpired" },
    });
    expect(described.failure.message).toContain(`Lease expired ${deliveries} times: worker w went silent`);
    const types = (await client.history("a")).map(({ event_type: type }) => type);
    expect(types.slice(-2)).toEqual(["ActivityFailed", "WorkflowFailed"]);
  });

  it("is not handed out again where no redelivery is free", async () => {
    const { client, clock } = await openEngine({ ...options, freeRedeliveries: 0 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    expect(await killWorkers(client, clock)).toBe(1);
    expect((await client.describe("a")).failure.message).toContain("Lease expired once");
  });

  it("waits its backoff once redeliveries count, and a late report of it changes nothing", async () => {
    const { client, clock } = await openEngine({ ...options, freeRedeliveries: 0 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", retry_policy: { max_attempts: 2, backoff_seconds: [60] } });
    const first = await client.take("w", "q");
    await clock.advance(10_001);
    expect((await client.report("complete", first!)).body).toMatchObject({ reason: "stale_attempt", recorded: false });
    expect(await client.take("w", "q")).toBeUndefined();
    await clock.advance(60_000);
    const second = await client.take("w", "q");
    expect(second?.taskId).not.toBe(first?.taskId);
    expect((await client.report("complete", second!)).status).toBe(200);
    expect((await client.describe("a")).attempts).toMatchObject([{ status: "expired" }, { status: "completed" }]);
  });
});

describe("tasks whose worker is gone come before those that were queued behind them", () => {
  const TASKS = ["a", "b", "c", "d", "e", "f"];

  async function held() {
    const opened = await openEngine(options);
    const { client, clock } = opened;
    await client.register("w", "q", ["t"]);
    for (const id of TASKS) {
      await client.started("t", "q", { activity_id: id });
      await clock.advance(1);
    }
    for (let count = 0; count < 3; count++) await client.take("w", "q");
    const order = async (): Promise<unknown[]> => {
      const ids: unknown[] = [];
      for (;;) {
        const taken = await client.take("w", "q");
        if (taken === undefined) return ids;
        ids.push(taken.task.workflow_id);
      }
    };
    return { ...opened, order };
  }

  it("when it is registered anew", async () => {
    const { client, clock, order } = await held();
    await clock.advance(1000);
    await client.register("w", "q", ["t"]);
    expect(await order()).toEqual(TASKS);
  });

  it("when its leases run out", async () => {
    const { clock, order } = await held();
    await clock.advance(10_001);
    expect(await order()).toEqual(TASKS);
  });
});

it("a task whose lease ran out is not said to have waited while it ran", async () => {
  const { client, clock } = await openEngine(options);
  await client.register("w", "q", ["t"]);
  await client.started("t", "q");
  await client.take("w", "q");
  await clock.advance(10_001);
  expect(await client.take("w", "q")).toBeDefined();
  const { series } = (await client.call("GET", "/api/inspection")).body;
  const waits: number[] = series.wait_seconds_p95.filter((wait: number | null) => wait !== null);
  expect(waits.every((wait) => wait < 0.1)).toBe(true);
  expect(waits).not.toEqual([]);
});

it("a task whose lease ran out has waited since then when it is handed out again, and so has its retry", async () => {
  const { client, clock } = await openEngine(options);
  await client.register("w", "q", ["t"]);
  const waits = async (): Promise<readonly number[]> => {
    const { series } = (await client.call("GET", "/api/inspection")).body;
    return series.wait_seconds_p95.filter((wait: number | null) => wait !== null);
  };
  const retry_policy = { max_attempts: 3, backoff_seconds: [1] };
  await client.started("t", "q", { retry_policy });
  await client.take("w", "q");
  await clock.advance(10_001);
  // Another step of the series begins, and nobody polls.
  await clock.advance(30_000);
  const again = await client.take("w", "q");
  if (again === undefined) throw new Error("the task is not handed out again");
  // The upper bound of the class that thirty seconds are in; not the forty since its start.
  expect((await waits()).at(-1)).toBe(32.768);
  await client.report("fail", again, { failure: { message: "broken" } });
  await clock.advance(61_000);
  expect(await client.take("w", "q")).toBeDefined();
  expect((await waits()).at(-1)).toBe(65.536);
});

it("a task whose lease ran out waits since then, whatever its place", async () => {
  const { client, clock } = await openEngine(options);
  await client.register("w", "q", ["t"]);
  await client.started("t", "q", { activity_id: "a" });
  await client.take("w", "q");
  await clock.advance(10_001);
  const { activity, attempts } = (await client.call("GET", "/api/inspection/activity?id=a")).body;
  expect(activity).toMatchObject({ standing: "retrying", available_at: attempts[0].closed_at });
  const { groups } = (await client.call("GET", "/api/inspection")).body;
  expect(groups).toMatchObject([{ standing: "retrying", oldest_available_at: attempts[0].closed_at }]);
});

describe("a failure whose text no database could give back", () => {
  it.each(["\0", "a\0b", "\uD800", "x\uDFFFy", "\uD83D"])("%j is recorded once, and keeps its type", async (text) => {
    const { client } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const failure = {
      message: text,
      type: "RangeError",
      class: `C${text}`,
      stack_trace: `at ${text}`,
      non_retryable: true,
      details: { [`k${text}`]: [text] },
    };
    const held = (await client.take("w", "q"))!;
    expect((await client.report("heartbeat", held, { message: text, details: { a: text } })).status).toBe(200);
    expect((await client.report("fail", held, { failure })).status).toBe(200);
    const mended = text.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD");
    expect(await client.describe("a")).toMatchObject({
      status: "failed",
      attempt_count: 1,
      failure: { message: mended, type: "RangeError" },
    });
    const beat = (await client.history("a")).find(({ event_type: type }) => type === "ActivityHeartbeatRecorded");
    expect(beat.payload.progress).toEqual({ message: mended, details: { a: mended } });
  });

  it("is still refused where it is empty or no text, as on the server", async () => {
    const { client } = await openEngine(options);
    await client.register("w", "q", ["t"]);
    await client.started("t", "q");
    const held = (await client.take("w", "q"))!;
    for (const message of ["", 5, null]) {
      const { status, body } = await client.report("fail", held, { failure: { message } });
      expect([status, Object.keys(body.errors)]).toEqual([422, ["failure.message"]]);
    }
  });
});
