import { closedAddress } from "@durable-workflow/test-support/loopback";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { activityContract, type ClientErrorCode, isClientError } from "../src/index.js";
import { type Harm, isDescribe, isStart } from "./support/harm-proxy.js";
import { errorOf, QUEUE, Scene } from "./support/scene.js";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.set({ namespaces: ["other"] });
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

it("an engine that is not there: unreachable, nothing was done, and the cause is kept", async () => {
  const client = scene.client({ serverUrl: await closedAddress() });
  const began = performance.now();
  const error = await errorOf(client.start("greet", []), isClientError);
  expect(error).toMatchObject({ code: "unreachable", retryable: true, mayHaveActed: false });
  expect(error.message).toMatch(/starting greet: the engine at http:\/\/127.* cannot be reached \(.*ECONNREFUSED/);
  expect(error.cause).toBeInstanceOf(Error);
  expect(performance.now() - began, "three tries with pauses").toBeGreaterThan(150);
});

it("a name that does not resolve: unreachable, nothing was done", async () => {
  const error = await errorOf(
    scene.client({ serverUrl: "http://no-such-host.invalid" }).start("greet", []),
    isClientError,
  );
  expect(error).toMatchObject({ code: "unreachable", mayHaveActed: false });
});

it("no TLS where TLS is asked for: unreachable, nothing was done", async () => {
  const client = scene.client({ serverUrl: scene.engineUrl.replace("http:", "https:") });
  expect(await errorOf(client.start("greet", []), isClientError)).toMatchObject({
    code: "unreachable",
    mayHaveActed: false,
  });
});

describe("an id that is taken", () => {
  it("by a running activity: an error with its handle", async () => {
    const client = scene.client();
    const first = await client.start("greet", [], { id: "order-7" });
    const error = await errorOf(client.start("greet", [], { id: "order-7" }), isClientError);
    expect(error).toMatchObject({ code: "already_running", status: 422, mayHaveActed: false });
    expect((await error.handle?.describe())?.runId).toBe(first.runId);
  });

  it("by a running activity, attached to when it is of the same type", async () => {
    const client = scene.client();
    const first = await client.start("greet", [], { id: "order-7" });
    const second = await client.start("greet", [], { id: "order-7", onRunning: "attach" });
    expect(second).toMatchObject({ runId: first.runId, started: false });
    const other = client.start("dim", [], { id: "order-7", onRunning: "attach" });
    expect(await errorOf(other, isClientError)).toMatchObject({ code: "already_running" });
  });

  it("by a closed activity: another run, or the closed one with onClosed", async () => {
    const client = scene.client();
    const first = await client.start("greet", [], { id: "order-7" });
    await scene.complete("one");
    const attached = await client.start("greet", [], { id: "order-7", onClosed: "attach" });
    expect(attached).toMatchObject({ runId: first.runId, started: false });
    expect(await attached.result()).toBe("one");
    const fresh = await client.start("greet", [], { id: "order-8", onClosed: "attach" });
    expect(fresh.started).toBe(true);
    const again = await client.start("greet", [], { id: "order-7" });
    expect(again.runId).not.toBe(first.runId);
    const type = client.start("dim", [], { id: "order-7", onRunning: "attach", onClosed: "attach" });
    expect((await errorOf(type, isClientError)).code).toBe("already_running");
  });

  it("in another namespace, or by a workflow", async () => {
    await scene.client({ namespace: "other" }).start("greet", [], { id: "order-7" });
    const error = await errorOf(scene.client().start("greet", [], { id: "order-7" }), isClientError);
    expect(error).toMatchObject({ code: "id_taken", status: 409, reason: "activity_id_reserved_in_namespace" });
    const body = JSON.stringify({ message: "Invalid.", errors: { activity_id: ["The id is used by a workflow."] } });
    scene.proxy.next(isStart, { kind: "answer", status: 422, body });
    expect(await errorOf(scene.client().start("greet", [], { id: "w" }), isClientError)).toMatchObject({
      code: "id_taken",
    });
  });
});

const REFUSALS: readonly (readonly [string, ClientErrorCode, Harm, Readonly<Record<string, unknown>>])[] = [
  [
    "other fields of 422",
    "invalid",
    { kind: "answer", status: 422, body: '{"errors":{"task_queue":["is odd"]}}' },
    { message: "starting greet: task_queue: is odd" },
  ],
  [
    "another version of the control plane",
    "unsupported_version",
    { kind: "answer", status: 400, body: '{"reason":"unsupported_control_plane_version","message":"speak 3"}' },
    {},
  ],
  [
    "a quota that is used up",
    "rate_limited",
    { kind: "answer", status: 429, body: '{"message":"slow down"}', headers: { "retry-after": "86400" } },
    {
      retryAfterMs: 86_400_000,
      retryable: true,
      mayHaveActed: false,
      message: expect.stringMatching(/takes no more requests for now, and may be asked again in 86400 s: slow down$/),
    },
  ],
  [
    "a queue that drains",
    "queue_draining",
    {
      kind: "answer",
      status: 409,
      body: '{"reason":"task_queue_draining","message":"drains","command_status":"rejected"}',
    },
    { retryable: true, mayHaveActed: false },
  ],
  [
    "a redirect, which is not followed",
    "not_an_engine",
    { kind: "answer", status: 302, headers: { location: "http://127.0.0.1:9/" } },
    { status: 302, mayHaveActed: false },
  ],
  [
    "a page",
    "not_an_engine",
    {
      kind: "answer",
      status: 200,
      body: "<html>Welcome\u001b[2J operator-token</html>",
      headers: { "content-type": "text/html" },
    },
    { status: 200 },
  ],
  ["a route that is not there", "not_an_engine", { kind: "answer", status: 404, body: '{"message":"no route"}' }, {}],
  ["413", "payload_too_large", { kind: "answer", status: 413, body: '{"message":"too long"}' }, { retryable: false }],
];

describe.each(REFUSALS)("%s", (_, code, harm, more) => {
  it(`is ${code}`, async () => {
    scene.proxy.always(isStart, harm);
    const error = await errorOf(scene.client().start("greet", []), isClientError);
    expect(error).toMatchObject({ code, ...more });
    expect(error.message).not.toMatch(/operator-token|\p{Cc}/u);
    expect(scene.proxy.count(isStart)).toBe(1);
  });
});

describe("what passes", () => {
  it("429 with a Retry-After that fits is waited for", async () => {
    scene.proxy.next(isStart, { kind: "answer", status: 429, body: "{}", headers: { "retry-after": "1" } });
    const began = performance.now();
    expect((await scene.client().start("greet", [])).started).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(950);
  });

  it("storage that takes nothing now is sent the same bytes again, three times in all", async () => {
    const body = '{"reason":"storage_pressure","request_admitted":false,"retry_after_seconds":0.1,"retryable":true}';
    scene.proxy.next(isStart, { kind: "answer", status: 503, body });
    expect((await scene.client().start("greet", [])).started).toBe(true);
    expect(scene.proxy.count(isDescribe), "nothing was done: there is nothing to look for").toBe(0);
    expect(new Set(scene.proxy.seen.map((seen) => seen.body)).size).toBe(1);
    scene.proxy.always(isStart, { kind: "answer", status: 503, body });
    const error = await errorOf(scene.client().start("greet", []), isClientError);
    expect(error).toMatchObject({ code: "storage_refused", retryable: true, mayHaveActed: false });
  });
});

describe("tokens", () => {
  it("that are not known: unauthorized, after a function was asked once more", async () => {
    let asked = 0;
    const client = scene.client({ token: () => (asked++, "wrong-token") });
    expect(await errorOf(client.start("greet", []), isClientError)).toMatchObject({
      code: "unauthorized",
      status: 401,
    });
    expect(asked).toBe(2);
  });

  it("that have run out meanwhile are replaced", async () => {
    const tokens = ["old-token", "operator-token"];
    const client = scene.client({ token: async () => Promise.resolve(tokens.shift() ?? "operator-token") });
    expect((await client.start("greet", [])).started).toBe(true);
  });

  it("of a worker: forbidden, and the message says whose is needed", async () => {
    const error = await errorOf(scene.client({ token: "worker-token" }).start("greet", []), isClientError);
    expect(error).toMatchObject({ code: "forbidden", status: 403 });
    expect(error.message).toContain("use an operator's");
  });

  it("that could be no header are refused where they are given", async () => {
    expect(() => scene.client({ token: "two words" })).toThrow("token must be");
    const client = scene.client({ token: () => "line\nend" });
    await expect(client.start("greet", [])).rejects.toThrow("token: the function gave no text");
    expect(scene.proxy.seen).toEqual([]);
  });
});

describe("bad input, before anything is sent", () => {
  const contract = activityContract({ name: "greet", input: [z.string(), z.number()], output: z.string() });

  it("arguments that the contract's schemas do not take", async () => {
    const error = await errorOf(scene.client().start(contract, ["Ada", "7" as never, "more"] as never), isClientError);
    expect(error.code).toBe("invalid");
    expect(error.message).toMatch(/^the arguments of greet do not validate: 1: .*; 2: there is no such argument/);
    expect(scene.proxy.seen).toEqual([]);
  });

  it("schemas validate, and what they make of the values is not sent", async () => {
    const shouting = activityContract({
      name: "greet",
      input: [z.string().transform((text) => text.toUpperCase())],
      output: z.string(),
    });
    await scene.client().start(shouting, ["Ada"]);
    const held = await scene.worker.take("w", QUEUE);
    const { decodePayload } = await import("@durable-workflow/carrier/payload");
    expect(decodePayload(held?.task.arguments)).toEqual(["Ada"]);
  });

  it("a value that has no form", async () => {
    const error = await errorOf(scene.client().start("greet", [new Date()]), isClientError);
    expect(error.code).toBe("invalid");
    expect(error.message).toContain("the arguments of greet cannot be sent");
  });

  it.each([
    [{ taskqueue: "x" }, 'start: there is no option "taskqueue"'],
    [{ startToCloseSeconds: 1.5 }, "startToCloseSeconds must be an integer >= 1"],
    [{ heartbeatSeconds: 0 }, "heartbeatSeconds must be an integer >= 1"],
    [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts must be an integer >= 1"],
    [{ retry: { maxAttempts: 2, backoffSeconds: [1, 0.5] } }, "retry.backoffSeconds[1] must be an integer >= 0"],
    [{ retry: { maxattempts: 2 } }, 'retry: there is no option "maxattempts"'],
    [{ id: ".." }, "id must be"],
    [{ id: "a b" }, "id must be"],
    [{ onRunning: "join" }, 'onRunning must be "error" or "attach"'],
    [{ taskQueue: "" }, "taskQueue must be a text"],
  ])("the option %j", async (options, told) => {
    await expect(scene.client().start("greet", [], options as never)).rejects.toThrow(told);
    expect(scene.proxy.seen).toEqual([]);
  });

  it.each([
    ["", "activity must be"],
    [{ name: undefined }, "activity must be"],
    [null, "activity must be"],
  ])("the activity %j", async (activity, told) => {
    await expect(scene.client().start(activity as never, [] as never)).rejects.toThrow(told);
  });

  it.each([
    [{ serverUrl: "ftp://x" }, "serverUrl must be"],
    [{ serverUrl: "https://engine.test/api" }, "fragment and /api, as in https://engine.example.com"],
    [{ serverUrl: "https://user:pass@engine.test" }, "serverUrl must be"],
    [{ namespace: "" }, "namespace must be"],
    [{ requestTimeoutMs: 0 }, "requestTimeoutMs must be"],
    [{ transport: {} }, "transport must be"],
    [{ interceptors: [1] }, "interceptors must be"],
    [{ maxConcurrentRequests: 0 }, "maxConcurrentRequests must be"],
    [{ defaults: { queue: "x" } }, 'defaults: there is no option "queue"'],
    [{ server: "x" }, 'createClient: there is no option "server"'],
  ])("the client's option %j", (options, told) => {
    expect(() => scene.client(options as never)).toThrow(told);
  });
});

it("what the contract says by default is sent, and what the start says counts before it", async () => {
  const contract = activityContract("greet", {
    taskQueue: QUEUE,
    startToCloseSeconds: 60,
    retry: { maxAttempts: 3, backoffSeconds: [1, 2], nonRetryableErrorTypes: ["CardDeclined"] },
  }).types<[name: string], string>();
  const options = { startToCloseSeconds: 5, businessKey: "order 7", scheduleToCloseSeconds: 90 };
  await scene.client({ defaults: { taskQueue: "elsewhere", heartbeatSeconds: 9 } }).start(contract, ["Ada"], options);
  expect(JSON.parse(scene.proxy.seen[0]?.body ?? "")).toMatchObject({
    activity_type: "greet",
    task_queue: QUEUE,
    business_key: "order 7",
    start_to_close_timeout_seconds: 5,
    schedule_to_close_timeout_seconds: 90,
    heartbeat_timeout_seconds: 9,
    retry_policy: { max_attempts: 3, backoff_seconds: [1, 2], non_retryable_error_types: ["CardDeclined"] },
  });
});
