import {
  defineActivity,
  isActivityCancelled,
  isAttemptClosed,
  isCarrierShutdown,
  NonRetryableError,
} from "@durable-workflow/carrier";
import { until } from "@durable-workflow/test-support/patience";
import { afterEach, expect, it } from "vitest";
import { aborted, resultOf, World } from "./support/world.js";

let world: World;
afterEach(() => world.end());

const heartbeating = { retry_policy: { max_attempts: 3, backoff_seconds: [0] }, heartbeat_timeout_seconds: 1 };

/** An activity that waits for its signal, and says what it was told. */
function waiting() {
  const told: unknown[] = [];
  let begun = 0;
  const activity = defineActivity({
    run: async ({ signal }) => {
      begun++;
      told.push(await aborted(signal));
      return "told";
    },
  });
  return { activity, told, begun: () => begun };
}

it("tells the handler of a cancellation, with its reason, and counts it as no failure", async () => {
  world = await World.begin();
  const { activity, told, begun } = waiting();
  const { worker, events } = world.worker({ activities: { waits: activity } });
  await worker.start();
  const id = await world.schedule("waits", [], heartbeating);
  await until(() => begun() === 1, "the handler");
  const asked = await world.client.call("POST", `/api/workflows/${id}/cancel`, { reason: "no longer wanted" });
  expect(asked).toMatchObject({ status: 200 });
  await until(() => told.length === 1, "the signal");
  expect(isActivityCancelled(told[0])).toBe(true);
  expect((told[0] as Error).message).toContain("The engine asked the activity to stop");
  expect((await world.closed(id)).status).toBe("cancelled");
  await until(() => events.some(({ type }) => type === "task_ended"), "the end");
  expect(events.find(({ type }) => type === "task_ended")).toMatchObject({ end: "cancelled" });
  expect(begun()).toBe(1);
});

it("tells the handler of a lost lease, and reports nothing", async () => {
  world = await World.begin();
  const { activity, told, begun } = waiting();
  const { worker, events } = world.worker({ activities: { waits: activity } });
  await worker.start();
  await world.schedule("waits", [], heartbeating);
  await until(() => begun() === 1, "the handler");
  world.gateway.interfere = ({ verb }) =>
    ["heartbeat", "renew-lease"].includes(verb)
      ? { status: 409, body: JSON.stringify({ reason: "lease_owner_mismatch", can_continue: false }) }
      : undefined;
  await until(() => told.length === 1, "the signal");
  expect(isAttemptClosed(told[0])).toBe(true);
  await until(() => events.some(({ type }) => type === "task_ended"), "the end");
  expect(events.find(({ type }) => type === "task_ended")).toMatchObject({ end: "lost" });
  expect([...world.callsOf("complete"), ...world.callsOf("fail")]).toEqual([]);
  world.gateway.interfere = () => undefined;
});

it("answers a deadline, whether or not the handler ends, and counts the handler that goes on", async () => {
  world = await World.begin();
  let release = (): void => {};
  const { worker } = world.worker({
    activities: {
      hangs: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    },
  });
  await worker.start();
  const id = await world.schedule("hangs", [], { start_to_close_timeout_seconds: 1 });
  expect((await world.closed(id)).status).toBe("failed");
  await until(() => worker.health().inFlight === 0, "a free slot");
  expect(worker.health().stuck).toBe(1);
  release();
  await until(() => worker.health().stuck === 0, "the end of the handler");
});

it("drains: waits for what runs, leases nothing more, and deregisters", async () => {
  world = await World.begin({ longPollSeconds: 30 });
  let isReleased = false;
  let begun = false;
  const { worker } = world.worker({
    activities: {
      slow: async () => {
        begun = true;
        await until(() => isReleased, "the release");
        return "done";
      },
    },
  });
  await worker.start();
  const first = await world.schedule("slow");
  await until(() => begun, "the handler");
  const drained = worker.drain();
  expect(worker.health()).toMatchObject({ state: "draining", live: true, ready: false });
  setTimeout(() => (isReleased = true), 300);
  expect(await drained).toEqual({ abandoned: 0 });
  expect(resultOf(await world.closed(first))).toBe("done");
  expect(worker.health()).toMatchObject({ state: "stopped", live: false });
  const late = await world.schedule("slow");
  expect((await world.client.describe(late, "?wait=1")).status).not.toBe("completed");
  expect(world.callsOf("deregister")).not.toEqual([]);
  expect(await worker.drain()).toEqual({ abandoned: 0 });
});

it("tells handlers before the end of a drain, and reports what they return then", async () => {
  world = await World.begin();
  const { activity, told, begun } = waiting();
  const { worker } = world.worker({ activities: { waits: activity }, drainMs: 60_000, abortBeforeEndMs: 59_900 });
  await worker.start();
  const id = await world.schedule("waits");
  await until(() => begun() === 1, "the handler");
  expect(await worker.drain()).toEqual({ abandoned: 0 });
  expect(isCarrierShutdown(told[0])).toBe(true);
  expect(resultOf(await world.closed(id))).toBe("told");
});

it.each(["throws what it was told", "throws an error of its own", "hangs"])(
  "fails no attempt because of a shutdown: a handler that %s",
  async (what) => {
    world = await World.begin({ leaseSeconds: 2 });
    let begun = 0;
    const { worker } = world.worker({
      activities: {
        works: defineActivity({
          run: async ({ signal }) => {
            begun++;
            if (begun > 1) return "second";
            const reason = await aborted(signal);
            if (what === "hangs") await new Promise(() => undefined);
            throw what === "throws what it was told" ? reason : new Error("a request was cut", { cause: reason });
          },
        }),
      },
      drainMs: 400,
      abortBeforeEndMs: 300,
    });
    await worker.start();
    const id = await world.schedule("works");
    await until(() => begun === 1, "the handler");
    expect(await worker.drain()).toEqual({ abandoned: 1 });
    expect([...world.callsOf("complete"), ...world.callsOf("fail")]).toEqual([]);
    // The only attempt that its policy allows is not spent: another worker has it once the lease has run out.
    const { worker: next } = world.worker({ activities: { works: () => "second" } });
    await next.start();
    expect(resultOf(await world.closed(id))).toBe("second");
  },
);

it("reports a failure that must not be retried although it drains: no shutdown is its reason", async () => {
  world = await World.begin();
  let begun = false;
  const { worker } = world.worker({
    activities: {
      checks: defineActivity({
        run: async ({ signal }) => {
          begun = true;
          await aborted(signal);
          throw new NonRetryableError("the card is unknown");
        },
      }),
    },
    drainMs: 60_000,
    abortBeforeEndMs: 59_900,
  });
  await worker.start();
  const id = await world.schedule("checks");
  await until(() => begun, "the handler");
  expect(await worker.drain()).toEqual({ abandoned: 0 });
  expect((await world.closed(id)).status).toBe("failed");
});

it("killed, it reports nothing, tells its handlers, and its task is another's once the lease has run out", async () => {
  world = await World.begin({ leaseSeconds: 2 });
  const { activity, told, begun } = waiting();
  const { worker } = world.worker({ activities: { waits: activity } });
  await worker.start();
  const id = await world.schedule("waits");
  await until(() => begun() === 1, "the handler");
  worker.kill();
  expect(worker.health()).toMatchObject({ state: "stopped", live: false });
  await until(() => told.length === 1, "the signal");
  expect(isCarrierShutdown(told[0])).toBe(true);
  expect(await worker.drain()).toEqual({ abandoned: 0 });
  const { worker: next } = world.worker({ activities: { waits: () => "next" } });
  await next.start();
  expect(resultOf(await world.closed(id))).toBe("next");
  expect(world.callsOf("fail")).toEqual([]);
  expect(world.callsOf("complete")).toHaveLength(1);
});

it("runs until a promise settles, and as that does", async () => {
  world = await World.begin();
  const { worker } = world.worker({ activities: { greet: () => "hello" } });
  const result = await worker.runUntil(async () => resultOf(await world.closed(await world.schedule("greet"))));
  expect(result).toBe("hello");
  expect(worker.health().state).toBe("stopped");
  const { worker: other } = world.worker({ activities: { greet: () => "hello" } });
  await expect(other.runUntil(Promise.reject(new RangeError("no")))).rejects.toThrow(RangeError);
  expect(other.health().state).toBe("stopped");
});

it("runs for some time, from its registration on", async () => {
  world = await World.begin();
  world.isDown = true;
  const { worker } = world.worker({ activities: { greet: () => "hello" } });
  const report = worker.runFor(300);
  await until(() => worker.health().problem !== null, "an engine that is not there");
  world.isDown = false;
  const id = await world.schedule("greet");
  expect(await report).toEqual({ abandoned: 0 });
  expect((await world.closed(id)).status).toBe("completed");
});

it("is disposed of by a drain, and starts once", async () => {
  world = await World.begin();
  const { worker } = world.worker({ activities: { greet: () => "hello" } });
  {
    await using used = worker;
    await used.start();
    await expect(used.start()).rejects.toThrow("started once");
  }
  expect(worker.health().state).toBe("stopped");
  const { worker: unused } = world.worker({ activities: { greet: () => "hello" } });
  expect(await unused.drain()).toEqual({ abandoned: 0 });
  await expect(unused.start()).rejects.toThrow(TypeError);
});
