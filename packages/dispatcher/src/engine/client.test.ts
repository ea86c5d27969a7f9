import { createServer, type RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import {
  negotiateVersion,
  PROTOCOL_VERSION,
  REPORTS_ENDPOINT,
  TASK_BATCHES_SCHEMA,
} from "@durable-workflow/engine-protocol";
import { readLeasedTask } from "@durable-workflow/engine-protocol/worker";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterEach, describe, expect, it } from "vitest";
import { NO_SECRETS } from "../net/secrets.js";
import { systemClock } from "../time/clock.js";
import { EngineClient } from "./client.js";
import { recordableResult } from "./recordable.js";
import { readReply, readRetryAfter } from "./reply.js";
import { ServerClock } from "./server-clock.js";

let server: Loopback | undefined;
let client: EngineClient | undefined;

afterEach(async () => {
  await client?.close();
  await server?.close();
});

async function serve(listener: RequestListener, requestTimeoutMs = 5_000): Promise<EngineClient> {
  server = await listen(createServer(listener));
  client = new EngineClient({
    serverUrl: `${server.url}/base/`,
    token: () => "s3cret-token",
    tlsVerify: true,
    scrub: (text) => text.replaceAll("s3cret-token", "[redacted]"),
    clock: systemClock,
    requestTimeoutMs,
  });
  return client;
}

const task = { namespace: "cellar", taskId: "task/7", attemptId: "A-7", leaseOwner: "w" };

describe("what a broken engine answers", () => {
  it.each<[string, RequestListener, object]>([
    ["a page with status 200", (_, response) => response.end("<html>"), { why: "not_json", mayHaveActed: true }],
    ["a list", (_, response) => response.end("[]"), { why: "not_json" }],
    ["a body cut off", (_, response) => cutOff(response), { why: "cut_off", mayHaveActed: true }],
    ["a connection that breaks", (request) => request.socket.destroy(), { why: "unreachable", status: null }],
    [
      "gzip that is none",
      (_, response) => response.setHeader("content-encoding", "gzip").end("{}"),
      { why: "not_json" },
    ],
    [
      "more than any answer, packed small",
      (_, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(64 * 1024 * 1024, 32))),
      { why: "too_large" },
    ],
    [
      "a redirect",
      (_, response) => response.writeHead(302, { location: "/other" }).end(),
      { why: "redirect", status: 302 },
    ],
    [
      "a redirect that says so in JSON",
      (_, response) => reply(response, 308, { location: "https://127.0.0.1/" }, { message: "Permanent Redirect" }),
      { why: "redirect", status: 308 },
    ],
    [
      "429",
      (_, response) => reply(response, 429, { "retry-after": "7" }, {}),
      { retryAfterMs: 7000, mayHaveActed: false },
    ],
    [
      "a bare 500",
      (_, response) => reply(response, 500, {}, { message: "Server Error" }),
      { status: 500, mayHaveActed: true },
    ],
  ])("%s leaves open what happened", async (_, listener, expected) => {
    const outcome = await (await serve(listener)).complete(task, recordableResult(null, NO_SECRETS));
    expect(outcome).toMatchObject({ kind: "unavailable", ...expected });
  });

  it("nothing, in time", async () => {
    const outcome = await (await serve(() => undefined, 300)).complete(task, recordableResult(null, NO_SECRETS));
    expect(outcome).toMatchObject({ kind: "unavailable", why: "timeout" });
  });

  it("its own credential, which is not repeated", async () => {
    const engine = await serve((request, response) =>
      reply(response, 422, {}, { reason: "validation_failed", message: `bad ${request.headers.authorization}` }),
    );
    expect(await engine.complete(task, recordableResult(null, NO_SECRETS))).toMatchObject({
      kind: "rejected",
      message: "bad Bearer [redacted]",
    });
  });
});

it("sends what the worker plane wants", async () => {
  const seen: unknown[] = [];
  const engine = await serve((request, response) => {
    seen.push(request.method, request.url, request.headers);
    reply(response, 200, {}, {});
  });
  await engine.complete(task, recordableResult(null, NO_SECRETS));
  await engine.deregister("cellar", "w:1", null);
  expect(seen).toMatchObject([
    "POST",
    "/base/api/worker/activity-tasks/task%2F7/complete",
    {
      authorization: "Bearer s3cret-token",
      "content-type": "application/json",
      accept: "application/json",
      "x-namespace": "cellar",
      "x-durable-workflow-protocol-version": PROTOCOL_VERSION,
    },
    "DELETE",
    "/base/api/worker/registrations/w%3A1",
    {},
  ]);
});

/** A task as an engine leases it. */
function wireTask(id: string, more: object = {}): object {
  return {
    task_id: id,
    workflow_id: "evening",
    run_id: "run-1",
    activity_execution_id: `execution-${id}`,
    activity_attempt_id: `A-${id}`,
    idempotency_key: `execution-${id}`,
    attempt_number: 1,
    activity_type: "lamps.dim",
    payload_codec: "avro",
    task_queue: "lamps",
    lease_owner: "w",
    lease_expires_at: "2999-06-01T12:05:00.000000Z",
    ...more,
  };
}

describe("a poll for several tasks", () => {
  const capabilities = {
    activity_lease_renewal: true,
    activity_task_batches: {
      supported: true,
      schema: TASK_BATCHES_SCHEMA,
      max_tasks: 7,
      reports_endpoint: REPORTS_ENDPOINT,
      max_reports: 7,
      max_reports_bytes: 10_000,
    },
  };
  const poll = { namespace: "cellar", workerId: "w", taskQueue: "lamps", requestId: "p", timeoutSeconds: 1 };

  it("brings each with its lease, and past one that cannot be read", async () => {
    const bodies: string[] = [];
    const engine = await serve((request, response) => {
      request.on("data", (chunk) => bodies.push(String(chunk)));
      request.on("end", () =>
        reply(
          response,
          200,
          {},
          {
            task: wireTask("a"),
            more_tasks: [
              wireTask("b", { attempt_number: "second" }),
              wireTask("c", { lease_expires_at: "2999-06-01T12:10:00.000000Z" }),
              "nothing",
            ],
            has_more: true,
            poll_status: "leased",
            server_time: "2999-06-01T12:00:00.000000Z",
            server_capabilities: capabilities,
          },
        ),
      );
    });
    const outcome = await engine.poll({ ...poll, maxTasks: 3 });
    expect(outcome).toMatchObject({
      kind: "tasks",
      hasMore: true,
      tasks: [
        { kind: "task", task: { taskId: "a", attemptId: "A-a" }, grant: { leaseMs: 300_000 } },
        { kind: "unreadable_task", read: { identity: { taskId: "b", attemptId: "A-b" } } },
        { kind: "task", task: { taskId: "c" }, grant: { leaseMs: 600_000 } },
      ],
    });
    expect(JSON.parse(bodies.splice(0).join(""))).toMatchObject({ max_tasks: 3 });
    expect(engine.mostTasks).toBe(7);
    // Now it knows: it says so of one, too, of which more says nothing.
    expect(await engine.poll(poll)).toMatchObject({ kind: "tasks", hasMore: false });
    const first = JSON.parse(bodies.splice(0).join("")) as object;
    expect(first).toMatchObject({ max_tasks: 1 });
    expect(Object.keys(first)).not.toContain("poll_request_repeat");
    await engine.poll({ ...poll, repeat: 2 });
    expect(JSON.parse(bodies.join(""))).toMatchObject({ poll_request_repeat: 2 });
  });

  it("is one for one task to an engine that says nothing of several, and says nothing of them itself", async () => {
    const bodies: string[] = [];
    const engine = await serve((request, response) => {
      request.on("data", (chunk) => bodies.push(String(chunk)));
      request.on("end", () => reply(response, 200, {}, { task: wireTask("a"), server_capabilities: {} }));
    });
    expect(await engine.poll({ ...poll, repeat: 1 })).toMatchObject({
      kind: "tasks",
      hasMore: false,
      tasks: [{ kind: "task", grant: null }],
    });
    expect(Object.keys(JSON.parse(bodies.join("")) as object)).toEqual([
      "worker_id",
      "task_queue",
      "poll_request_id",
      "timeout_seconds",
    ]);
    expect(engine.mostTasks).toBe(1);
  });
});

it("asks for the version again when the engine wants another", async () => {
  const versions: unknown[] = [];
  const engine = await serve((request, response) => {
    if (request.url?.endsWith("/cluster/info") === true) {
      reply(response, 200, {}, { worker_protocol: { version: "1.2" } });
      return;
    }
    versions.push(request.headers["x-durable-workflow-protocol-version"]);
    if (versions.length === 1) reply(response, 400, {}, { reason: "unsupported_protocol_version" });
    else reply(response, 200, {}, { recorded: true });
  });
  expect(await engine.complete(task, recordableResult(null, NO_SECRETS))).toEqual({
    kind: "recorded",
    asFailure: false,
  });
  expect(versions).toEqual([PROTOCOL_VERSION, "1.2"]);
});

it.each([
  ["1.0", "1.0"],
  [PROTOCOL_VERSION, PROTOCOL_VERSION],
  ["1.9999", PROTOCOL_VERSION],
  ["2.0", undefined],
  ["1", undefined],
  [1.5, undefined],
  [undefined, undefined],
])("negotiates %s to %s", (advertised, version) => {
  expect(negotiateVersion(advertised)).toBe(version);
});

it("says so when the majors differ", async () => {
  const engine = await serve((_, response) => reply(response, 200, {}, { worker_protocol: { version: "2.0" } }));
  expect(await engine.negotiateOnce()).toMatchObject({ kind: "refused", reason: "unsupported_protocol_version" });
});

describe("Retry-After", () => {
  const now = Date.UTC(2999, 0, 1);
  it.each([
    ["7", 7000],
    [" 0 ", 0],
    ["86400", 60_000],
    ["Tue, 01 Jan 2999 00:00:05 GMT", 5000],
    ["Tue, 01 Jan 2019 00:00:05 GMT", 0],
    ["soon", undefined],
    ["-1", undefined],
    [undefined, undefined],
  ])("%s is %s ms", (header, ms) => {
    expect(readRetryAfter(header, now)).toBe(ms);
  });

  it("may be in the body", () => {
    expect(readReply(503, { text: '{"retry_after_seconds":2}', blobs: new Map() }, undefined, now)).toMatchObject({
      retryAfterMs: 2000,
    });
  });
});

describe("the engine's clock", () => {
  const clock = { now: () => 1_000_000, monotonic: () => 500, schedule: () => () => undefined };

  it("is this machine's while nothing is known", () => {
    const engine = new ServerClock(clock);
    expect([engine.earliest(), engine.latest(), engine.skewMs()]).toEqual([1_000_000, 1_000_000, 0]);
    engine.observe("nonsense", 0, 0);
    expect(engine.earliest()).toBe(1_000_000);
  });

  it("is bounded by every answer, and by all of them together", () => {
    const engine = new ServerClock(clock);
    engine.observe(utc(2_000_000), 400, 500);
    expect([engine.earliest(), engine.latest()]).toEqual([2_000_000, 2_001_100]);
    // The same second, seen 300 ms after it began at the latest.
    engine.observe(utc(2_001_000), 1_200, 1_210);
    expect([engine.earliest(), engine.latest()]).toEqual([2_000_290, 2_001_100]);
  });

  it("starts anew when it was set", () => {
    const engine = new ServerClock(clock);
    engine.observe(new Date(2_000_000).toUTCString(), 400, 500);
    engine.observe(new Date(9_000_000).toUTCString(), 400, 500);
    expect([engine.earliest(), engine.latest()]).toEqual([9_000_000, 9_001_100]);
  });
});

describe("a task that cannot be read", () => {
  const wire = {
    task_id: "t",
    activity_attempt_id: "A",
    lease_owner: "w",
    attempt_number: 1,
    activity_type: "x",
    task_queue: "q",
    workflow_id: "wf",
    run_id: "r",
    lease_expires_at: "2999-01-01T00:00:00Z",
  };

  it.each([
    ["task_id", 7, "a string", "7"],
    ["attempt_number", 0, "an integer >= 1", "0"],
    ["activity_type", "", "a string", "an empty string"],
    ["task_queue", null, "a string", "null"],
    ["run_id", undefined, "a string", "nothing"],
    ["lease_expires_at", "soon", "an RFC 3339 timestamp", "a string"],
    ["arguments", [], "an object", "a list"],
  ])("for its %s", (field, value, expected, received) => {
    const read = readLeasedTask("default", { ...wire, [field]: value });
    expect(read.violations).toEqual([{ path: field, expected, received }]);
    expect(read.task).toBeUndefined();
  });

  it("for all of them at once, with the identity only where it is whole", () => {
    const { violations } = readLeasedTask("default", {});
    expect(violations?.map(({ path }) => path)).toEqual([
      "task_id",
      "activity_attempt_id",
      "lease_owner",
      "attempt_number",
      "activity_type",
      "task_queue",
      "workflow_id",
      "run_id",
      "lease_expires_at",
    ]);
    expect(readLeasedTask("default", {})).toMatchObject({ identity: null });
    expect(readLeasedTask("default", { ...wire, run_id: 7 })).toMatchObject({ identity: { taskId: "t" } });
  });
});

function utc(ms: number): string {
  return new Date(ms).toUTCString();
}

function reply(
  response: Parameters<RequestListener>[1],
  status: number,
  headers: Readonly<Record<string, string>>,
  body: object,
): void {
  response.writeHead(status, headers).end(JSON.stringify(body));
}

function cutOff(response: Parameters<RequestListener>[1]): void {
  response.writeHead(200, { "content-length": 1000 });
  response.write('{"reco');
  setImmediate(() => response.destroy());
}
