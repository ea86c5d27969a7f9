import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClientInterceptor, isClientError, type ManyOutcome } from "../src/index.js";
import { isStart } from "./support/harm-proxy.js";
import { errorOf, Scene } from "./support/scene.js";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.set();
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("startMany", () => {
  it("gives one outcome an item, and one that fails costs no other", async () => {
    const items = [
      ["a"],
      [new Date()],
      { args: ["c"], options: { id: "order-7" } },
      { args: ["d"], options: { id: ".." } },
    ];
    const outcomes = await all(scene.client().startMany("greet", items));
    const byIndex = outcomes.toSorted((one, other) => one.index - other.index);
    expect(byIndex.map(({ error }) => error?.code)).toEqual([undefined, "invalid", undefined, "invalid"]);
    expect(byIndex.map(({ input }) => input)).toEqual(items);
    expect(byIndex[2]?.handle?.activityId).toBe("order-7");
  });

  it("takes the next item only when one of `concurrency` is free", async () => {
    let taken = 0;
    let open = 0;
    let most = 0;
    function* items(): Generator<[number]> {
      for (let count = 0; count < 40; count++) {
        taken++;
        yield [count];
      }
    }
    const client = scene.client({
      interceptors: [
        async (request, next) => {
          most = Math.max(most, ++open);
          try {
            return await next(request);
          } finally {
            open--;
          }
        },
      ],
    });
    const seen: ManyOutcome<"greet">[] = [];
    for await (const outcome of client.startMany("greet", items(), { concurrency: 4 })) {
      seen.push(outcome);
      expect(taken - seen.length).toBeLessThanOrEqual(4);
    }
    expect(seen).toHaveLength(40);
    expect(most).toBeLessThanOrEqual(4);
  });

  it("stops with its consumer, and finishes what was begun", async () => {
    let returned = false;
    async function* items(): AsyncGenerator<[number]> {
      try {
        for (let count = 0; ; count++) yield Promise.resolve([count] as [number]);
      } finally {
        returned = true;
      }
    }
    for await (const _ of scene.client().startMany("greet", items(), { concurrency: 2 })) break;
    expect(returned).toBe(true);
  });

  it("rejects for bad options, what the items throw, and an aborted signal", async () => {
    const client = scene.client();
    await expect(all(client.startMany("greet", [], { concurrency: 0 }))).rejects.toThrow("concurrency must be");
    await expect(all(client.startMany("greet", 7 as never))).rejects.toThrow("items must be an iterable");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(all(client.startMany("greet", [["a"]], { signal }))).rejects.toThrow("enough");
    function* broken(): Generator<[string]> {
      yield ["a"];
      throw new Error("no more");
    }
    await expect(all(client.startMany("greet", broken()))).rejects.toThrow("no more");
  });
});

describe("list", () => {
  it("gives all pages, lazily, by bucket", async () => {
    const client = scene.client();
    const started = await all(
      client.startMany(
        "greet",
        Array.from({ length: 7 }, (_, index) => [index]),
      ),
    );
    await started[0]?.handle?.cancel();
    const listed = await all(client.list({ pageSize: 3 }));
    expect(new Set(listed.map(({ activityId }) => activityId)).size).toBe(7);
    expect(listed[0]).toMatchObject({ type: "greet", taskQueue: "lamps", closedAt: null });
    expect(await all(client.list({ bucket: "failed" }))).toMatchObject([{ status: "cancelled" }]);
    expect(await all(client.list({ bucket: "completed" }))).toEqual([]);
    const before = scene.proxy.seen.length;
    for await (const _ of client.list({ pageSize: 2 })) break;
    expect(scene.proxy.seen.length - before, "one page").toBe(1);
    await expect(all(client.list({ pageSize: 0 }))).rejects.toThrow("pageSize must be");
  });

  it("ends where an engine hands out the same page for ever", async () => {
    const row = { activity_id: "a", workflow_run_id: "r", activity_type: "greet", status: "running" };
    const body = JSON.stringify({ activities: [row], next_page_token: "again" });
    scene.proxy.always(({ method }) => method === "GET", { kind: "answer", status: 200, body });
    expect((await errorOf(all(scene.client().list()), isClientError)).code).toBe("not_an_engine");
  });
});

it("interceptors stand around every request, the first outermost", async () => {
  const said: string[] = [];
  const saying =
    (name: string): ClientInterceptor =>
    async (request, next) => {
      said.push(`${name} in`);
      const answer = await next({ ...request, headers: { ...request.headers, traceparent: "00-abc" } });
      said.push(`${name} out`);
      return answer;
    };
  await scene.client({ interceptors: [saying("one"), saying("two")] }).start("greet", []);
  expect(said).toEqual(["one in", "two in", "two out", "one out"]);
  expect(scene.proxy.seen.find(isStart)?.headers["traceparent"]).toBe("00-abc");
});
