import { ActivityFailure, defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { until } from "@durable-workflow/test-support/patience";
import { afterEach, beforeEach, expect, it } from "vitest";
import { resultOf, WORKER_TOKEN, World } from "./support/world.js";

let world: World;
beforeEach(async () => {
  world = await World.begin();
});
afterEach(() => world.end());

it("runs plain functions and definitions, and reports what they return", async () => {
  const { worker, events } = world.worker({
    activities: {
      greet: (name: string) => `Hello, ${name}`,
      whoami: defineActivity({
        run: ({ info }) => ({
          type: info.activityType,
          attempt: info.attempt,
          queue: info.taskQueue,
          stable: info.executionId !== undefined,
        }),
      }),
      nothing: () => undefined,
    },
  });
  await worker.start();
  const [greeted, asked, empty] = [
    await world.schedule("greet", ["Ada"]),
    await world.schedule("whoami"),
    await world.schedule("nothing"),
  ];
  expect(resultOf(await world.closed(greeted))).toBe("Hello, Ada");
  expect(resultOf(await world.closed(asked))).toEqual({ type: "whoami", attempt: 1, queue: "lamps", stable: true });
  expect(resultOf(await world.closed(empty))).toBeNull();
  await until(() => worker.health().inFlight === 0, "the end of all tasks");
  expect(worker.health()).toMatchObject({ state: "running", live: true, ready: true, stuck: 0, problem: null });
  const ended = events.filter((event) => event.type === "task_ended");
  expect(ended.map(({ end, carrier }) => `${end} by ${carrier}`)).toEqual(Array(3).fill("completed by in-process"));
});

it("says what was thrown as a carrier does", async () => {
  class CardDeclined extends Error {
    override name = "CardDeclined";
  }
  const { worker } = world.worker({
    activities: {
      declines: () => {
        throw new CardDeclined("no money");
      },
      details: () => Promise.reject(new ActivityFailure("later", { type: "GatewayDown", details: { gateway: 1 } })),
      never: () => {
        throw new NonRetryableError("never");
      },
      // What is thrown need be no error.
      odd: () => Promise.reject("words"),
      unencodable: () => () => 1,
    },
  });
  await worker.start();
  const retry = { retry_policy: { max_attempts: 2, backoff_seconds: [0] } };
  const failureOf = async (type: string) => {
    const described = await world.closed(await world.schedule(type, [], retry));
    expect(described.status).toBe("failed");
    return { ...described.failure, attempts: described.attempt ?? described.attempts };
  };
  expect(await failureOf("declines")).toMatchObject({ message: "no money", type: "CardDeclined" });
  expect(await failureOf("details")).toMatchObject({ message: "later", type: "GatewayDown" });
  expect(await failureOf("never")).toMatchObject({ message: "never", type: "NonRetryableError" });
  expect((await failureOf("odd")).message).toContain("words");
  expect(await failureOf("unencodable")).toMatchObject({ type: "ResultEncodeFailure" });
  const failsOf = (type: string) =>
    world.callsOf("fail").filter(({ body }) => (body["failure"] as Record<string, unknown>)["type"] === type);
  expect(failsOf("CardDeclined")).toHaveLength(2);
  expect(failsOf("NonRetryableError")).toHaveLength(1);
  expect(failsOf("ResultEncodeFailure")).toHaveLength(1);
  const [declined] = failsOf("CardDeclined");
  expect(declined?.body["failure"]).toMatchObject({ stack_trace: expect.stringContaining("runs.test.ts") });
});

it("runs as many at once as it may, and leases no more", async () => {
  let running = 0;
  let most = 0;
  const { worker } = world.worker({
    maxInFlight: 3,
    activities: {
      slow: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => {
          setTimeout(resolve, 30);
        });
        running--;
      },
    },
  });
  await worker.start();
  const ids = await Promise.all(Array.from({ length: 12 }, () => world.schedule("slow")));
  for (const id of ids) expect((await world.closed(id)).status).toBe("completed");
  expect(most).toBe(3);
});

it("leases from several queues, and from nowhere else", async () => {
  const { worker } = world.worker({ taskQueue: ["lamps", "oil"], activities: { greet: () => 1 } });
  await worker.start();
  await until(() => world.callsOf("register").length === 2, "two registrations");
  const queues = world.callsOf("register").map(({ body }) => body["task_queue"]);
  expect(new Set(queues)).toEqual(new Set(["lamps", "oil"]));
  const started = await world.client.started("greet", "oil");
  expect((await world.closed(started.activity_id)).status).toBe("completed");
});

it("carries large arguments and results by reference, by itself", async () => {
  const { worker, events } = world.worker({ activities: { twice: (text: string) => text + text } });
  await worker.start();
  const text = "0123456789".repeat(100_000);
  const id = await world.schedule("twice", [text]);
  const described = await world.closed(id);
  expect(described.status).toBe("completed");
  const moved = events.filter((event) => event.type === "payload_moved");
  expect(moved.map(({ direction }) => direction)).toContain("uploaded");
  const [complete] = world.callsOf("complete");
  expect(JSON.stringify(complete?.body).length).toBeLessThan(5_000);
});

it("asks a token function again when the engine refuses the token, and says meanwhile what is wrong", async () => {
  let asked = 0;
  const { worker } = world.worker({
    activities: { greet: () => 1 },
    token: async () => (++asked < 2 ? "an-0ld-token" : `${WORKER_TOKEN}\n`),
  });
  await worker.start();
  await until(() => worker.health().problem !== null, "a problem");
  expect(worker.health()).toMatchObject({ ready: false, problem: expect.stringMatching(/refuses .* with 401/) });
  expect(JSON.stringify(worker.health())).not.toContain("an-0ld-token");
  await until(() => worker.health().ready, "readiness");
  expect(worker.health().problem).toBeNull();
  expect((await world.closed(await world.schedule("greet"))).status).toBe("completed");
});

it("starts although the token function fails, and says so", async () => {
  const { worker } = world.worker({
    activities: { greet: () => 1 },
    token: () => Promise.reject(new RangeError("with a s3cret")),
  });
  await worker.start();
  expect(worker.health().problem).toContain("the token function failed (RangeError)");
});

it("goes on through an outage of the engine: the handler runs, and its outcome is reported once the engine is back", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = false;
  const { worker } = world.worker({
    activities: {
      slow: async () => {
        begun = true;
        await held;
        return "done";
      },
    },
  });
  await worker.start();
  const id = await world.schedule("slow");
  await until(() => begun, "the handler");
  world.isDown = true;
  release();
  await until(() => world.callsOf("complete").length >= 2, "a second try");
  world.isDown = false;
  expect(resultOf(await world.closed(id))).toBe("done");
  expect(world.callsOf("fail")).toEqual([]);
});
