import { awakeClock } from "@durable-workflow/test-support/clock";
import { until } from "@durable-workflow/test-support/patience";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ActivityOutcomeError, type Client, isActivityOutcomeError, isClientError } from "../src/index.js";
import { type Harm, isDescribe } from "./support/harm-proxy.js";
import { errorOf, Scene } from "./support/scene.js";

let scene: Scene;
let client: Client;
beforeEach(async () => {
  scene = await Scene.set();
  client = scene.client();
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

const FAILURE = {
  message: "the card was declined",
  type: "CardDeclined",
  stack_trace: "CardDeclined: no\n    at charge (charge.ts:7:1)",
  non_retryable: true,
};

/** Answers descriptions as engines do that say nothing of failures, and hold no answer back. */
async function likeTheServer(): Promise<void> {
  const { createServer } = await import("node:http");
  const { listen } = await import("@durable-workflow/test-support/loopback");
  const server = await listen(
    createServer((request, response) => {
      const path = (request.url ?? "").replace(/\?wait=\d+$/, "");
      const chunks: Uint8Array[] = [];
      request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      request.on("end", () => {
        if (/\/runs\/[^/]+\/(?:cancel|terminate)$/.test(path)) {
          response.writeHead(404, { "content-type": "application/json" });
          response.end(JSON.stringify({ message: "The route could not be found." }));
          return;
        }
        const { method = "", headers } = request;
        const body = method === "GET" ? {} : { body: Buffer.concat(chunks) };
        void fetch(scene.engineUrl + path, { method, headers: headers as Record<string, string>, ...body }).then(
          async (answer) => {
            const document = (await answer.json()) as Record<string, unknown>;
            delete document["failure"];
            response.writeHead(answer.status, { "content-type": "application/json" });
            response.end(JSON.stringify(document));
          },
        );
      });
    }),
  );
  closers.push(() => server.close());
  client = scene.client({ serverUrl: server.url });
}
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe.each([
  ["the local engine", async () => {}],
  ["an engine like the server", likeTheServer],
])("on %s", (_, set) => {
  beforeEach(set);

  it("the result comes, decoded; undefined is null and large integers are bigints", async () => {
    const handle = await client.start("greet", []);
    setTimeout(() => void scene.complete({ id: "ch_1", big: 2n ** 60n, none: null }), 150);
    expect(await handle.result()).toEqual({ id: "ch_1", big: 2n ** 60n, none: null });
    expect(await handle.outcome()).toMatchObject({ kind: "completed", attempts: 1, runId: handle.runId });
    const nothing = await client.start("greet", []);
    await scene.complete(undefined);
    expect(await nothing.result()).toBeNull();
  });

  it("a failure is an error with the handler's own words", async () => {
    const handle = await client.start("greet", []);
    await scene.fail(FAILURE);
    const error = await errorOf(handle.result(), isActivityOutcomeError);
    expect(error).toMatchObject({ kind: "failed", activityId: handle.activityId, runId: handle.runId, attempts: 1 });
    expect(error.failure).toMatchObject({ type: "CardDeclined", message: FAILURE.message, nonRetryable: true });
    expect(error.message).toBe(`the activity ${handle.activityId} failed: CardDeclined: the card was declined`);
    expect(error.cause).toMatchObject({ name: "CardDeclined", message: FAILURE.message });
    expect(error.stack).toContain("waiting.test.ts");
    expect(await handle.outcome()).toMatchObject({ kind: "failed", failure: { type: "CardDeclined" } });
  });

  it("a timeout says which limit", async () => {
    const handle = await client.start("greet", [], { scheduleToStartSeconds: 1 });
    const outcome = await handle.outcome();
    expect(outcome).toMatchObject({ kind: "timed_out", failure: { timeoutType: "schedule_to_start" } });
  });

  it("a cancelled and a terminated one are told at once, without a history", async () => {
    for (const [how, kind] of [
      ["cancel", "cancelled"],
      ["terminate", "terminated"],
    ] as const) {
      const handle = await client.start("greet", []);
      expect(await handle[how]("enough")).toBe(true);
      const error = await errorOf(handle.result(), isActivityOutcomeError);
      expect(error).toMatchObject({ kind, failure: undefined });
      expect(await handle[how]("enough"), "it had ended before").toBe(false);
    }
  });

  it("a pinned handle reads its own run though the id has a newer one; an unpinned one follows the newest", async () => {
    const first = await client.start("greet", [], { id: "order-7" });
    await scene.complete("one");
    const failed = await client.start("greet", [], { id: "order-7" });
    await scene.fail(FAILURE);
    const second = await client.start("greet", [], { id: "order-7" });
    expect(await first.result()).toBe("one");
    expect(await failed.outcome()).toMatchObject({ kind: "failed", failure: { type: "CardDeclined" }, attempts: 1 });
    expect(await first.cancel(), "it ended long ago, and the newer run is left alone").toBe(false);
    expect((await second.describe()).status).toBe("running");
    const newest = client.handle("order-7");
    await scene.complete("two");
    expect(await newest.result()).toBe("two");
  });

  it("a run that is not known any more is run_replaced", async () => {
    await client.start("greet", [], { id: "order-7" });
    const error = await errorOf(client.handle("order-7", { runId: "gone" }).result(), isClientError);
    expect(error).toMatchObject({ code: "run_replaced" });
  });

  it("an id that is not there is not_found", async () => {
    const error = await errorOf(client.handle("nobody").result(), isClientError);
    expect(error).toMatchObject({ code: "not_found", status: 404 });
    expect(error.message).toContain("in the namespace default");
  });

  it("following tells what changes, and ends", async () => {
    const handle = await client.start("greet", []);
    const told: string[] = [];
    for await (const { status, stage } of handle.follow()) {
      told.push(`${status} ${stage}`);
      if (told.length === 1) await scene.complete("done");
    }
    expect(told[0]).toBe("running pending");
    expect(told.at(-1)).toBe("completed completed");
  });
});

describe("giving up", () => {
  it("after timeoutMs: wait_timeout with the handle and what was known, and nothing is cancelled", async () => {
    const handle = await client.start("greet", []);
    const error = await errorOf(handle.result({ timeoutMs: 200 }), isClientError);
    expect(error).toMatchObject({ code: "wait_timeout", retryable: true, handle });
    expect((await handle.describe()).status).toBe("running");
    expect(scene.proxy.count(({ path }) => path.includes("cancel"))).toBe(0);
  });

  it("by a signal: its reason, at once, its listeners gone, the request torn down", async () => {
    const handle = await client.start("greet", []);
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, "addEventListener");
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const waiting = handle.result({ signal: controller.signal });
    const settled = expect(waiting).rejects.toThrow("enough");
    await expect.poll(() => scene.proxy.count(isDescribe)).toBe(1);
    controller.abort(new Error("enough"));
    await settled;
    expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length);
    expect((await handle.describe()).status).toBe("running");
    await expect(handle.describe({ signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  });

  it("execute cancels only when it was told to", async () => {
    // Once it waits: by then its activity is started.
    const aborted = () => {
      const controller = new AbortController();
      const before = scene.proxy.count(isDescribe);
      const waits = until(() => scene.proxy.count(isDescribe) > before, "the waiting");
      void waits.then(() => controller.abort(new Error("a timeout")));
      return controller.signal;
    };
    await expect(client.execute("greet", [], { id: "a", signal: aborted() })).rejects.toThrow(/timeout/i);
    expect((await client.handle("a").describe()).status).toBe("running");
    const cancelled = client.execute("greet", [], { id: "b", signal: aborted(), cancelOnAbort: true });
    await expect(cancelled).rejects.toThrow(/timeout/i);
    expect((await client.handle("b").describe()).status).toBe("cancelled");
    const timed = client.execute("greet", [], { id: "c", timeoutMs: 150, cancelOnAbort: true });
    expect(await errorOf(timed, isClientError)).toMatchObject({ code: "wait_timeout" });
    expect((await client.handle("c").describe()).status).toBe("cancelled");
  });

  it("closing the client ends the waits, and what comes after", async () => {
    const handle = await client.start("greet", []);
    const waiting = errorOf(handle.result(), isClientError);
    await client.close();
    expect((await waiting).code).toBe("closed");
    expect((await errorOf(client.start("greet", []), isClientError)).code).toBe("closed");
  });
});

describe("an engine in trouble", () => {
  const TROUBLES: readonly (readonly [string, Harm])[] = [
    ["resets", { kind: "cut_before" }],
    ["cut answers", { kind: "truncate" }],
    ["503 pages", { kind: "answer", status: 503, body: "<html>" }],
    ["502 pages", { kind: "answer", status: 502, body: "<html>" }],
  ];

  it.each(TROUBLES)("is asked further: %s", async (_, harm) => {
    const handle = await client.start("greet", []);
    await scene.complete("well");
    scene.proxy.next(isDescribe, harm, harm, harm, harm);
    expect(await handle.result()).toBe("well");
    expect(scene.proxy.count(isDescribe)).toBe(5);
  });

  it("that does not come back: wait_timeout with the trouble as its cause", async () => {
    const handle = await client.start("greet", []);
    scene.proxy.always(isDescribe, { kind: "cut_before" });
    const error = await errorOf(handle.result({ timeoutMs: 600 }), isClientError);
    expect(error.code).toBe("wait_timeout");
    expect(error.cause).toMatchObject({ code: "unreachable" });
    expect(error.message).toContain("the engine could not be asked");
  });

  it("a history that cannot be read: the same error without a failure", async () => {
    const handle = await client.start("greet", []);
    await scene.fail(FAILURE);
    const raw = JSON.stringify({ ...(await scene.worker.describe(handle.activityId)), failure: null });
    scene.proxy.next(isDescribe, { kind: "answer", status: 200, body: raw });
    scene.proxy.always(({ path }) => path.includes("/history"), { kind: "cut_before" });
    const error = await errorOf(handle.result(), isActivityOutcomeError);
    expect(error).toMatchObject({ kind: "failed", failure: undefined });
  });

  it("what is no engine is not asked further", async () => {
    const handle = await client.start("greet", []);
    scene.proxy.always(isDescribe, { kind: "answer", status: 200, body: "{}" });
    expect((await errorOf(handle.result(), isClientError)).code).toBe("not_an_engine");
    expect(scene.proxy.count(isDescribe)).toBe(1);
  });

  it("calls that may be repeated are, within their budget", async () => {
    const handle = await client.start("greet", []);
    scene.proxy.next(isDescribe, { kind: "cut_before" }, { kind: "answer", status: 500, body: "{}" });
    expect((await handle.describe()).status).toBe("running");
    scene.proxy.always(isDescribe, { kind: "silence" });
    const began = awakeClock.monotonic();
    const error = await errorOf(
      scene.client({ requestTimeoutMs: 200 }).handle(handle.activityId).describe(),
      isClientError,
    );
    expect(error).toMatchObject({ code: "unreachable", mayHaveActed: false });
    expect(awakeClock.monotonic() - began).toBeLessThan(2_000);
  });
});

describe("stopping", () => {
  const isCancel = ({ path }: { path: string }): boolean => path.endsWith("/cancel");

  it("is repeated, and a cancel whose answer was lost is told as done", async () => {
    const handle = await client.start("greet", []);
    scene.proxy.next(isCancel, { kind: "cut_after" });
    expect(await handle.cancel("why not")).toBe(true);
    expect(scene.proxy.count(isCancel)).toBe(2);
    expect(scene.proxy.seen.find(isCancel)?.path).toContain(`/runs/${handle.runId}/cancel`);
    expect(JSON.parse(scene.proxy.seen.find(isCancel)?.body ?? "")).toEqual({ reason: "why not" });
  });

  it("says false for what ended otherwise before", async () => {
    const handle = await client.start("greet", []);
    await scene.complete("done");
    scene.proxy.next(isCancel, { kind: "cut_after" });
    expect(await handle.cancel()).toBe(false);
    expect((await errorOf(client.handle("nobody").cancel(), isClientError)).code).toBe("not_found");
  });
});

describe("many that wait", () => {
  it("1,000 ask an engine that holds nothing back less than 300 times a second, and all hear of the end", async () => {
    await likeTheServer();
    let asked = 0;
    const counting = scene.client({
      serverUrl: scene.engineUrl,
      interceptors: [
        (request, next) => {
          if (request.method === "GET") asked++;
          return next({ ...request, url: request.url.replace(/\?wait=\d+$/, "") });
        },
      ],
    });
    const handle = await counting.start("greet", [], { id: "shared" });
    const waits = Promise.allSettled(Array.from({ length: 1_000 }, () => handle.result()));
    // Each asks once at the beginning.
    await expect.poll(() => asked).toBeGreaterThanOrEqual(1_000);
    const before = asked;
    const began = awakeClock.monotonic();
    await new Promise((resolve) => {
      setTimeout(resolve, 2_000);
    });
    const seconds = (awakeClock.monotonic() - began) / 1000;
    expect((asked - before) / seconds).toBeLessThan(300);
    await scene.complete("all");
    expect(new Set((await waits).map((one) => ("value" in one ? one.value : one.reason)))).toEqual(new Set(["all"]));
  });

  it("waiting never keeps a start from its turn", async () => {
    const small = scene.client({ maxConcurrentRequests: 2 });
    const handles = await Promise.all([1, 2, 3, 4].map(() => small.start("greet", [])));
    const waits = handles.map((handle) => handle.result().catch(() => "closed"));
    const began = awakeClock.monotonic();
    await small.start("dim", []);
    expect(awakeClock.monotonic() - began).toBeLessThan(2_000);
    await small.close();
    expect(await Promise.all(waits)).toEqual(["closed", "closed", "closed", "closed"]);
  });
});

it("an outcome error is known by its brand, across copies", () => {
  const outcome = { kind: "failed", activityId: "a", runId: "r", attempts: 1, failure: undefined } as const;
  expect(isActivityOutcomeError(new ActivityOutcomeError(outcome))).toBe(true);
  expect(isActivityOutcomeError(new Error("x"))).toBe(false);
  expect(isClientError(null)).toBe(false);
});
