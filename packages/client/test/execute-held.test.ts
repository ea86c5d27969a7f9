import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, isActivityOutcomeError, isClientError } from "../src/index.js";
import { settleOptions } from "../src/options.js";
import { trouble } from "../src/parts.js";
import { Scope } from "../src/scope.js";
import { fetchTransport } from "../src/transport/fetch.js";
import { Connection } from "../src/wire/connection.js";
import { Engine } from "../src/wire/engine.js";
import { isDescribe, isStart } from "./support/harm-proxy.js";
import { errorOf, QUEUE, Scene } from "./support/scene.js";

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

  it("has started its activity where the failure cannot be read yet", async () => {
    const settled = settleOptions({ serverUrl: scene.proxyUrl, token: "operator-token" }, fetchTransport);
    const ends = () => Promise.reject(new Error("a part of the client could not be loaded"));
    const engine = new Engine(new Connection(settled), settled, { trouble, ends });
    const request = { activity_type: "greet", task_queue: QUEUE, activity_id: "a" };
    const tried = engine.tryStart(request, engine.bounds(new Scope([]), 5_000), 5);
    await scene.fail({ message: "no", type: "No", non_retryable: true });
    expect(await tried).toMatchObject({ runId: expect.any(String), ended: undefined });
  });

  it("ends with the signal's reason while the answer is held back, and the activity goes on", async () => {
    const giving = new AbortController();
    const result = client.execute("greet", ["Ada"], { id: "order-7", signal: giving.signal });
    await expect.poll(held).toBe(1);
    await expect.poll(() => client.handle("order-7").describe()).toMatchObject({ status: "running" });
    const reason = new Error("nobody waits any more");
    giving.abort(reason);
    await expect(result).rejects.toBe(reason);
    await scene.complete("Hello, Ada");
    expect(await client.handle("order-7").result()).toBe("Hello, Ada");
  });

  it("ends with a client that is closed while the answer is held back", async () => {
    const result = errorOf(client.execute("greet", ["Ada"]), isClientError);
    await expect.poll(held).toBe(1);
    await client.close();
    expect(await result).toMatchObject({ code: "closed" });
  });

  it("attaches to an activity that runs, whose answer no start can hold back", async () => {
    await client.start("greet", ["Ada"], { id: "order-7" });
    const result = client.execute("greet", ["Ada"], { id: "order-7", onRunning: "attach" });
    // By then it was refused, and has looked what runs.
    await expect.poll(described).toBeGreaterThan(0);
    await scene.complete("Hello, Ada");
    expect(await result).toBe("Hello, Ada");
  });

  it("shows interceptors the one request", async () => {
    const paths: string[] = [];
    const watched = scene.client({
      interceptors: [(request, next) => (paths.push(new URL(request.url).pathname), next(request))],
    });
    await watched.start("greet", []);
    await scene.complete("first");
    const result = watched.execute("greet", ["Ada"]);
    await scene.complete("Hello, Ada");
    expect([await result, paths.length]).toEqual(["Hello, Ada", 2]);
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
