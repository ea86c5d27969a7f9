import { SHORT_LEASES } from "@durable-workflow/engine-protocol";
import type { Held } from "@durable-workflow/test-support/engine-client";
import { expect, it } from "vitest";
import { openEngine } from "./support/engine.js";

const seconds = (later: string, earlier: string): number => (Date.parse(later) - Date.parse(earlier)) / 1000;

/** An engine with two tasks, one leased out to a worker that renews its leases, one to another. */
async function openLeased(options: object = {}) {
  const opened = await openEngine({ longPollSeconds: 0, ...options });
  const { client } = opened;
  await client.register("renewing", "q1", ["t"], { capabilities: [SHORT_LEASES] });
  await client.register("other", "q2", ["t"]);
  const held: Record<string, Held> = {};
  const leases: Record<string, number> = {};
  for (const [worker, queue] of [
    ["renewing", "q1"],
    ["other", "q2"],
  ] as const) {
    await client.started("t", queue, { activity_id: worker, retry_policy: { max_attempts: 2 } });
    const { body } = await client.poll(worker, queue);
    held[worker] = {
      taskId: body.task.task_id,
      attemptId: body.task.activity_attempt_id,
      owner: worker,
      task: body.task,
    };
    leases[worker] = seconds(body.task.lease_expires_at, body.server_time);
  }
  return { ...opened, held, leases };
}

it("leases to workers that renew them last 30 s, and 300 s to others; renewals and heartbeats keep them as long", async () => {
  const { client, clock, held, leases } = await openLeased();
  expect(leases).toEqual({ renewing: 30, other: 300 });
  const { body: info } = await client.call("GET", "/api/cluster/info");
  expect(info.worker_protocol.server_capabilities.short_activity_leases).toEqual({
    supported: true,
    lease_seconds: 30,
  });
  await clock.advance(20_000);
  for (const [worker, lasts] of [
    ["renewing", 30],
    ["other", 300],
  ] as const) {
    const { body: renewed } = await client.report("renew-lease", held[worker]!);
    expect(seconds(renewed.lease_expires_at, renewed.server_time)).toBe(lasts);
    const { body: beaten } = await client.report("heartbeat", held[worker]!);
    expect(seconds(beaten.lease_expires_at, renewed.server_time)).toBeCloseTo(lasts, 1);
  }
  // What a silent one held is handed out again after that, and not before.
  await clock.advance(29_000);
  expect((await client.describe("renewing")).attempts).toMatchObject([{ status: "running" }]);
  await clock.advance(1_500);
  expect((await client.describe("renewing")).attempts).toMatchObject([{ status: "expired" }]);
  expect((await client.describe("other")).attempts).toMatchObject([{ status: "running" }]);
});

it("a renewal by a worker that has ended its registration keeps the short lease", async () => {
  const { client, clock, held } = await openLeased();
  await client.call("DELETE", "/api/worker/registrations/renewing");
  await clock.advance(10_000);
  const { body } = await client.report("renew-lease", held["renewing"]!);
  expect(seconds(body.lease_expires_at, body.server_time)).toBe(30);
});

it("short leases are an option, and never longer than those of others", async () => {
  expect((await openLeased({ shortLeaseSeconds: 12 })).leases).toEqual({ renewing: 12, other: 300 });
  expect((await openLeased({ leaseSeconds: 10 })).leases).toEqual({ renewing: 10, other: 10 });
});
