import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActivityHandle, Client } from "../src/index.js";
import { Scene } from "./support/scene.js";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.set();
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

async function first(items: AsyncIterable<unknown>): Promise<void> {
  await items[Symbol.asyncIterator]().next();
}

type Call = (client: Client, handle: ActivityHandle<unknown>, options: never) => Promise<unknown>;

/** Calls that would wait for ever, or show something else, and what they call themselves in messages. */
const CALLS: readonly (readonly [name: string, call: Call])[] = [
  ["waiting", (_client, handle, options) => handle.result(options)],
  ["waiting", (_client, handle, options) => handle.outcome(options)],
  ["waiting", (_client, handle, options) => first(handle.follow(options))],
  ["a call", (_client, handle, options) => handle.describe(options)],
  ["a call", (_client, handle, options) => handle.cancel("no reason", options)],
  ["a call", (_client, handle, options) => handle.terminate("no reason", options)],
  ["list", (client, _handle, options) => first(client.list(options))],
  ["handle", async (client, _handle, options) => client.handle("order-7", options)],
  ["execute", (client, _handle, options) => client.execute("greet", [], options)],
];

describe("options of calls", () => {
  it.each(CALLS)(
    "%s refuses names that it does not know, in place of waiting for ever or listing all",
    async (name, call) => {
      const client = scene.client();
      const handle = await client.start("greet", []);
      // What is meant by these is `timeoutMs`, `bucket` and `runId`.
      for (const misspelt of [{ timeout: 100 }, { status: "failed" }, { run: "r" }]) {
        const asked = call(client, handle, misspelt as never);
        await expect(asked).rejects.toThrow(TypeError);
        await expect(asked).rejects.toThrow(`${name}: there is no option "${Object.keys(misspelt)[0]}"; there are `);
      }
      expect((await handle.describe()).status).toBe("running");
    },
  );

  it.each([
    ["result", { timeoutMs: "100" }, "timeoutMs must be a number >= 0"],
    ["result", { timeoutMs: Number.NaN }, "timeoutMs must be a number >= 0"],
    ["outcome", { timeoutMs: -1 }, "timeoutMs must be a number >= 0"],
  ] as const)("%s refuses %j", async (method, options, told) => {
    const handle = await scene.client().start("greet", []);
    await expect(handle[method](options as never)).rejects.toThrow(new TypeError(told));
  });

  it.each([
    [{ bucket: "cancelled" }, 'bucket must be "running", "completed" or "failed"'],
    [{ pageSize: 201 }, "pageSize must be an integer from 1 to 200"],
  ])("list refuses %j", async (query, told) => {
    await expect(first(scene.client().list(query as never))).rejects.toThrow(new TypeError(told));
  });

  it.each([
    [{ cancelOnAbort: "no" }, "cancelOnAbort must be true or false"],
    [{ cancelOnAbort: null }, "cancelOnAbort must be true or false"],
    [{ onRunning: "atach" }, 'onRunning must be "error" or "attach"'],
    [{ onClosed: "error" }, 'onClosed must be "restart" or "attach"'],
  ])("execute refuses %j, and starts nothing", async (options, told) => {
    const client = scene.client();
    const executed = client.execute("greet", [], { id: "order-9", ...options } as never);
    await expect(executed).rejects.toThrow(new TypeError(told));
    await expect(client.handle("order-9").describe()).rejects.toMatchObject({ code: "not_found" });
  });

  it("takes a time without end", async () => {
    const handle = await scene.client().start("greet", []);
    await handle.cancel();
    expect((await handle.outcome({ timeoutMs: Number.POSITIVE_INFINITY })).kind).toBe("cancelled");
  });
});
