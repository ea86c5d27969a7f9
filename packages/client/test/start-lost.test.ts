import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isClientError } from "../src/index.js";
import { type Harm, isDescribe, isStart } from "./support/harm-proxy.js";
import { errorOf, Scene } from "./support/scene.js";

// A start whose answer does not come: looked for first, sent again only when it is not there.
let scene: Scene;
beforeEach(async () => {
  scene = await Scene.set();
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

async function runs(): Promise<number> {
  let count = 0;
  for await (const _ of scene.client({ serverUrl: scene.engineUrl }).list()) count++;
  return count;
}

const DONE_AND_LOST: readonly (readonly [string, Harm])[] = [
  ["a reset after the engine has done it", { kind: "cut_after" }],
  ["an answer that is cut in half", { kind: "truncate" }],
  ["an answer that is no JSON", { kind: "answer", status: 201, body: '{"activity_id": "x', acts: true }],
  ["502 of a proxy", { kind: "answer", status: 502, body: "<html>Bad Gateway</html>", acts: true }],
  ["504 of a proxy", { kind: "answer", status: 504, body: "<html>Gateway Timeout</html>", acts: true }],
  ["500", { kind: "answer", status: 500, body: '{"message":"Server Error"}', acts: true }],
  ["503 without a proof that nothing was done", { kind: "answer", status: 503, body: "{}", acts: true }],
  ["no answer in time", { kind: "silence" }],
];

describe.each(DONE_AND_LOST)("%s", (_, harm) => {
  it("is found by its own id, and started once", async () => {
    scene.proxy.next(isStart, harm);
    const handle = await scene.client({ requestTimeoutMs: 1_000 }).start("greet", ["Ada"]);
    expect(handle.started).toBe(true);
    expect(await runs()).toBe(1);
    expect(scene.proxy.count(isStart)).toBe(1);
    await scene.complete("Hello, Ada");
    expect(await handle.result()).toBe("Hello, Ada");
  });

  it("is found by the caller's id", async () => {
    scene.proxy.next(isStart, harm);
    const handle = await scene.client({ requestTimeoutMs: 1_000 }).start("greet", ["Ada"], { id: "order-7" });
    expect(handle).toMatchObject({ activityId: "order-7", started: true });
    expect(await runs()).toBe(1);
  });
});

describe("a start that did not arrive", () => {
  it("is sent again after a reset, once the engine says that it is not there", async () => {
    scene.proxy.next(isStart, { kind: "cut_before" });
    const handle = await scene.client().start("greet", ["Ada"]);
    expect(handle.started).toBe(true);
    expect(scene.proxy.seen.map(({ method }) => method)).toEqual(["POST", "GET", "POST"]);
    expect(new Set(scene.proxy.seen.filter(isStart).map(({ body }) => body)).size, "the same bytes").toBe(1);
    expect(await runs()).toBe(1);
  });

  it("is looked for three times more after a timeout: it may be under way", async () => {
    scene.proxy.next(isStart, { kind: "hold", ms: 2_200 });
    const handle = await scene.client({ requestTimeoutMs: 1_500 }).start("greet", ["Ada"]);
    expect(handle.started).toBe(true);
    expect(scene.proxy.count(isStart), "never sent again").toBe(1);
    expect(scene.proxy.count(isDescribe)).toBeGreaterThan(1);
    expect(await runs()).toBe(1);
  });

  it("finds its own run behind 'already running' when the first was only late", async () => {
    // Held past every look, so that it is sent again; both arrive.
    scene.proxy.next(isStart, { kind: "hold", ms: 3_200 });
    scene.proxy.next(isStart, { kind: "hold", ms: 1_500 });
    const handle = await scene.client({ requestTimeoutMs: 2_000 }).start("greet", ["Ada"]);
    expect(handle.started).toBe(true);
    expect(await runs()).toBe(1);
  });
});

describe("what cannot be found out", () => {
  it("is start_unknown with a handle when the engine cannot be asked", async () => {
    scene.proxy.next(isStart, { kind: "cut_after" }).always(isDescribe, { kind: "cut_before" });
    const error = await errorOf(scene.client().start("greet", ["Ada"]), isClientError);
    expect(error).toMatchObject({ code: "start_unknown", mayHaveActed: true });
    scene.proxy.heal();
    expect((await error.handle?.describe())?.status).toBe("running");
  });

  it("is start_unknown, and no guess, where the engine tells no time", async () => {
    scene.proxy.next(isStart, { kind: "cut_after" }).always(isDescribe, { kind: "pass", headers: { date: "" } });
    const error = await errorOf(scene.client().start("greet", ["Ada"], { id: "order-7" }), isClientError);
    expect(error).toMatchObject({ code: "start_unknown", mayHaveActed: true });
    expect(error.handle?.activityId).toBe("order-7");
  });

  it("is start_unknown where a later run of the id is of another type", async () => {
    scene.proxy.next(isStart, { kind: "cut_before" });
    const other = { activity_id: "order-7" };
    scene.proxy.next(isDescribe, { kind: "hold", ms: 300 });
    const starting = errorOf(scene.client().start("greet", ["Ada"], { id: "order-7" }), isClientError);
    await expect.poll(() => scene.proxy.count(isDescribe)).toBe(1);
    await scene.worker.started("dim", "lamps", other);
    expect((await starting).code).toBe("start_unknown");
  });
});

describe("a run that was there before", () => {
  it("that runs is not taken for the one whose answer was lost", async () => {
    await scene.worker.started("greet", "lamps", { activity_id: "order-7" });
    await new Promise((resolve) => {
      setTimeout(resolve, 1_100);
    });
    scene.proxy.next(isStart, { kind: "cut_after" });
    const error = await errorOf(scene.client().start("greet", ["Ada"], { id: "order-7" }), isClientError);
    expect(error.code).toBe("already_running");
    scene.proxy.next(isStart, { kind: "cut_after" });
    const attached = await scene.client().start("greet", ["Ada"], { id: "order-7", onRunning: "attach" });
    expect(attached.started).toBe(false);
  });

  it("that has ended makes the start be sent again", async () => {
    await scene.worker.started("greet", "lamps", { activity_id: "order-7" });
    await scene.complete("old");
    await new Promise((resolve) => {
      setTimeout(resolve, 1_100);
    });
    scene.proxy.next(isStart, { kind: "cut_before" });
    const handle = await scene.client().start("greet", ["Ada"], { id: "order-7" });
    expect(handle.started).toBe(true);
    await scene.complete("new");
    expect(await handle.result()).toBe("new");
  });
});
