import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, isActivityOutcomeError } from "../src/index.js";
import { isDescribe, isStart } from "./support/harm-proxy.js";
import { errorOf, Scene } from "./support/scene.js";

// An engine that says so holds the answer to a start back until there is a result: one request instead of two.
let scene: Scene;
let client: Client;
beforeEach(async () => {
  scene = await Scene.set();
  client = scene.client();
  // The first start tells what the engine can do.
  await client.start("greet", []);
  await scene.complete("first");
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

const held = (): number => scene.proxy.count((seen) => isStart(seen) && seen.path.includes("?wait="));
const described = (): number => scene.proxy.count(isDescribe);

describe("execute", () => {
  it("has the result by the answer to its start", async () => {
    const result = client.execute("greet", ["Ada"]);
    await scene.complete("Hello, Ada");
    expect(await result).toBe("Hello, Ada");
    expect([held(), described()]).toEqual([1, 0]);
  });

  it("has the failure by it, too", async () => {
    const error = errorOf(client.execute("greet", ["Ada"]), isActivityOutcomeError);
    await scene.fail({ message: "no", type: "CardDeclined", non_retryable: true });
    expect(await error).toMatchObject({ kind: "failed", failure: { type: "CardDeclined", message: "no" } });
    expect([held(), described()]).toEqual([1, 0]);
  });

  it("goes on waiting where the engine has held the answer as long as it does", async () => {
    scene.proxy.next(isStart, {
      kind: "answer",
      status: 201,
      body: JSON.stringify({ activity_id: "a", workflow_run_id: "r", activity_type: "greet", status: "running" }),
    });
    scene.proxy.next(isDescribe, {
      kind: "answer",
      status: 200,
      body: JSON.stringify({
        activity_id: "a",
        workflow_run_id: "r",
        activity_type: "greet",
        status: "completed",
        closed_at: "2026-04-22T01:10:00.000000Z",
        result: null,
      }),
    });
    expect(await client.execute("greet", [], { id: "a" })).toBeNull();
    expect([held(), described()]).toEqual([1, 1]);
  });

  it("finds its activity where the answer is lost that was held back", async () => {
    scene.proxy.next(isStart, { kind: "cut_after" });
    const result = client.execute("greet", ["Ada"], { id: "order-7" });
    await scene.complete("Hello, Ada");
    expect(await result).toBe("Hello, Ada");
    expect(held(), "sent once").toBe(1);
    expect(described()).toBeGreaterThan(0);
  });

  it.each([
    ["by a time of its own", { timeoutMs: 5_000 }],
    ["with a cancellation", { cancelOnAbort: true }],
  ])("starts before it waits where the waiting may end %s", async (_, options) => {
    const result = client.execute("greet", ["Ada"], options);
    await scene.complete("Hello, Ada");
    expect(await result).toBe("Hello, Ada");
    expect(held()).toBe(0);
  });

  it("asks no engine for that which has not said so", async () => {
    const result = scene.client().execute("greet", ["Ada"]);
    await scene.complete("Hello, Ada");
    expect(await result).toBe("Hello, Ada");
    expect(held()).toBe(0);
  });

  it("keeps no other start from its turn", async () => {
    const narrow = scene.client({ maxConcurrentRequests: 4 });
    await narrow.start("dim", []);
    await scene.complete(null);
    const results = Array.from({ length: 6 }, async (_, index) => narrow.execute("greet", [index]));
    const other = await narrow.start("dim", ["other"]);
    expect(held()).toBe(3);
    for (let task = 0; task < 7; task++) await scene.complete(task);
    await Promise.all(results);
    expect(await other.result()).toBeTypeOf("number");
  });
});
