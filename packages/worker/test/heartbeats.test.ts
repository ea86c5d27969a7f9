import { defineActivity, isActivityCancelled } from "@durable-workflow/carrier";
import { until } from "@durable-workflow/test-support/patience";
import { afterEach, beforeEach, expect, it } from "vitest";
import { aborted, World } from "./support/world.js";

let world: World;
beforeEach(async () => {
  world = await World.begin();
});
afterEach(() => world.end());

it("takes progress to the engine with the worker's own token, and no other credentials", async () => {
  const { worker } = world.worker({
    activities: {
      counts: defineActivity({
        run: async ({ heartbeat }) => {
          heartbeat({ message: "one of two", current: 1, total: 2, unit: "rows" });
          await until(() => world.callsOf("heartbeat").length > 0, "the heartbeat");
          return "done";
        },
      }),
    },
  });
  await worker.start();
  const id = await world.schedule("counts");
  expect((await world.closed(id)).status).toBe("completed");
  const [heartbeat] = world.callsOf("heartbeat");
  expect(heartbeat?.body).toMatchObject({ message: "one of two", current: 1, total: 2, unit: "rows" });
  expect(heartbeat?.headers.authorization).toBe("Bearer worker-t0ken");
});

it("hears of a cancellation through a heartbeat of the handler's", async () => {
  let reason: unknown;
  let begun = false;
  const { worker, events } = world.worker({
    activities: {
      beats: defineActivity({
        run: async ({ heartbeat, signal }) => {
          begun = true;
          const timer = setInterval(() => heartbeat(), 20);
          reason = await aborted(signal).finally(() => clearInterval(timer));
        },
      }),
    },
  });
  await worker.start();
  const id = await world.schedule("beats", [], { heartbeat_timeout_seconds: 3 });
  await until(() => begun, "the handler");
  await world.client.call("POST", `/api/workflows/${id}/cancel`, {});
  await until(() => reason !== undefined, "the signal");
  expect(isActivityCancelled(reason)).toBe(true);
  await until(() => events.some(({ type }) => type === "task_ended"), "the end");
  expect(events.find(({ type }) => type === "task_ended")).toMatchObject({ end: "cancelled" });
});

it("sends a heartbeat without its progress where the engine does not take that", async () => {
  const { worker } = world.worker({
    activities: {
      counts: defineActivity({
        run: async ({ heartbeat }) => {
          heartbeat({ message: "words" });
          await until(() => world.callsOf("heartbeat").length > 1, "the second");
          return "done";
        },
      }),
    },
  });
  world.gateway.interfere = ({ verb, body }) =>
    verb === "heartbeat" && "message" in body ? { status: 422, body: '{"message":"no","errors":{}}' } : undefined;
  await worker.start();
  const id = await world.schedule("counts");
  expect((await world.closed(id)).status).toBe("completed");
  expect(world.callsOf("heartbeat").map(({ body }) => "message" in body)).toEqual([true, false]);
});

it("keeps the lease of a handler that makes none", async () => {
  await world.end();
  world = await World.begin({ leaseSeconds: 2 });
  let begun = 0;
  const { worker } = world.worker({
    activities: {
      slow: async () => {
        begun++;
        await new Promise((resolve) => {
          setTimeout(resolve, 3_500);
        });
      },
    },
  });
  await worker.start();
  const id = await world.schedule("slow");
  expect((await world.closed(id)).status).toBe("completed");
  expect(begun).toBe(1);
});
