import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { type Loopback, listen } from "../../test/support/loopback.js";
import { defineActivity } from "../activity/definition/define-activity.js";
import { CallerDisconnected, NonRetryableError } from "../activity/errors.js";
import { InvocableActivityHandler } from "../activity/handler.js";
import type { HandleOptions } from "../activity/invocable-handler.js";
import { nodeInvocableActivityHandler } from "../adapters/node.js";
import { bearerToken } from "../http/auth.js";
import type { AvroValue } from "../payload/value.js";
import type { ExternalTaskResult } from "../protocol/task-result.js";
import { buildTaskInput } from "./build-task-input.js";
import { type CarrierClient, CarrierRequestFailed, carrierClient } from "./carrier-client.js";
import { ActivityTaskFailed } from "./task-result.js";

const add = defineActivity({ name: "add", run: (_context, left: number, right: number) => left + right });
const wait = defineActivity({ name: "wait", run: () => new Promise(() => {}) });
const handlers = {
  add,
  wait,
  echo: (value: unknown) => value,
  fail: () => {
    throw new NonRetryableError("no");
  },
  key: defineActivity({ run: ({ info }) => [info.executionId, info.attempt] }),
  never: () => new Promise(() => {}),
};
const auth = bearerToken("s3cret");

let server: Loopback;
beforeAll(async () => {
  server = await listen(createServer(nodeInvocableActivityHandler(handlers, { auth })));
});
afterAll(() => server.close());

const CLIENTS: readonly (readonly [string, (token?: string) => CarrierClient])[] = [
  ["handlers", (token = "s3cret") => carrierClient(handlers, { auth, token })],
  [
    "a ready-made handler",
    (token = "s3cret") => carrierClient(new InvocableActivityHandler(handlers), { auth, token }),
  ],
  ["a URL", (token = "s3cret") => carrierClient(server.url, { token })],
];

describe.each(CLIENTS)("a client of %s", (_, connect) => {
  it("calls activities, by definition or by type", async () => {
    const client = connect();
    const sum = await client.call(add, [2, 3]);
    expectTypeOf(sum).toEqualTypeOf<number>();
    expect(sum).toBe(5);
    expect(await client.call("echo", [new Uint8Array([1, 2])])).toEqual(new Uint8Array([1, 2]));
    expect(await client.call("key", [], { executionId: "execution-9", attempt: 4 })).toEqual(["execution-9", 4]);
  });

  it("throws what a failed activity says", async () => {
    const failed = connect().call("fail");
    await expect(failed).rejects.toBeInstanceOf(ActivityTaskFailed);
    await expect(failed).rejects.toMatchObject({ failure: { type: "NonRetryableError", retryable: false } });
  });

  it("gives results whole", async () => {
    expect(await connect().send(buildTaskInput({ activityType: "fail" }))).toMatchObject({
      kind: "failure",
      task: { attempt: 1 },
    });
  });

  it.each([
    ["not welcome", "wrong", buildTaskInput(), 401],
    ["no task", "s3cret", { schema: "other" }, 400],
    ["no JSON", "s3cret", "{", 400],
  ])("tells a refused request from a failed task: %s", async (_what, token, body, status) => {
    const client = connect(token);
    expect(await client.post(body)).toMatchObject({ status });
    await expect(client.send(body)).rejects.toMatchObject({ name: "CarrierRequestFailed", answer: { status } });
  });

  it.each<[string, (client: CarrierClient, options: HandleOptions) => Promise<unknown>]>([
    ["a task that it sends", (client, options) => client.send(buildTaskInput({ activityType: "never" }), options)],
    ["a call by type", (client, options) => client.call("never", [], {}, options)],
    ["a call by definition", (client, options) => client.call(wait, [], {}, options)],
  ])("can go away from %s", async (_what, send) => {
    const caller = new AbortController();
    const ended = send(connect(), { signal: caller.signal });
    caller.abort(new CallerDisconnected());
    const outcome = await ended.then(
      (result) => (result as ExternalTaskResult).kind,
      (error: Error) => error.name,
    );
    // A socket is gone before there is an answer; in memory there is one.
    expect(["failure", "ActivityTaskFailed", "CallerDisconnected"]).toContain(outcome);
  });
});

describe("the types of a client", () => {
  interface Greetings {
    greet(name: string, times?: number): Promise<string>;
    count(): number;
  }
  const greetings: Greetings = { greet: (name) => Promise.resolve(`Hello, ${name}`), count: () => 7 };

  it("are those of the handlers that it is made of", async () => {
    const client = carrierClient(handlers);
    expectTypeOf(await client.call("add", [2, 3])).toEqualTypeOf<number>();
    expectTypeOf(await client.call("echo", ["x"])).toEqualTypeOf<unknown>();
    const typed = carrierClient(greetings);
    expectTypeOf(await typed.call("greet", ["Ada"])).toEqualTypeOf<string>();
    expectTypeOf(await typed.call("count")).toEqualTypeOf<number>();
    // A list of definitions has their names.
    expectTypeOf(await carrierClient([add]).call("add", [1, 2])).toEqualTypeOf<number>();
    // @ts-expect-error the argument is a text
    void typed.call("greet", [7]);
    // @ts-expect-error it wants one
    await typed.call("greet");
    // @ts-expect-error it takes none
    await typed.call("count", [1]);
  });

  it("leave types open that the compiler does not know", async () => {
    await expect(carrierClient(greetings).call("part", [1, 2])).rejects.toThrow("greet");
    const mapped = carrierClient(new Map([["greet", (name: string) => name]]));
    expectTypeOf(await mapped.call("greet", ["Ada"])).toEqualTypeOf<AvroValue>();
    expectTypeOf(await carrierClient(server.url, { token: "s3cret" }).call("add", [1, 2])).toEqualTypeOf<AvroValue>();
    const ready = carrierClient(new InvocableActivityHandler(handlers));
    expectTypeOf(await ready.call("add", [1, 2])).toEqualTypeOf<AvroValue>();
  });
});

describe("carrierClient", () => {
  it("tells an answer that is no result", async () => {
    const other = await listen(createServer((_, response) => response.end("<h1>Hello</h1>")));
    const failed = carrierClient(other.url).call("echo");
    await expect(failed).rejects.toBeInstanceOf(CarrierRequestFailed);
    await expect(failed).rejects.toThrow("the carrier answered 200: <h1>Hello</h1>");
    await other.close();
  });

  it.each([
    ["a URL of another scheme", "ftp://carrier", /must be of http or https/],
    ["no URL", "carrier", /Invalid URL/],
    ["bad handlers", null, /handlers must be/],
  ])("refuses %s", (_, target, message) => {
    expect(() => carrierClient(target as string)).toThrow(TypeError);
    expect(() => carrierClient(target as string)).toThrow(message);
  });

  it("needs the name of a definition, and takes no function", async () => {
    const client = carrierClient(handlers);
    await expect(client.call(handlers.key, [])).rejects.toThrow("a definition that has a name");
    // @ts-expect-error a function has no type of its own
    await expect(client.call(handlers.echo, [1])).rejects.toThrow("a definition that has a name");
  });

  it("takes no options of a carrier for one behind a URL, where they would do nothing", () => {
    const make = () => carrierClient(server.url, { auth, token: "s3cret", health: true, bodyLimitBytes: 1 });
    expect(make).toThrow(TypeError);
    expect(make).toThrow("takes token and headers only: give auth, bodyLimitBytes, health to the carrier");
    expect(() => carrierClient(new URL(server.url), { stackTraces: false })).toThrow("give stackTraces to");
    expect(() => carrierClient(server.url, { token: "s3cret", headers: { "x-a": "b" } })).not.toThrow();
  });
});
