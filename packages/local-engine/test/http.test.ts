import { connect } from "node:net";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_HEADER } from "@durable-workflow/engine-protocol";
import { Client } from "@durable-workflow/test-support/engine-client";
import { type RawResponse, send } from "@durable-workflow/test-support/send";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { arrived, cleanUp, openEngine } from "./support/engine.js";

const CONTROL = { "X-Durable-Workflow-Control-Plane-Version": "2" };
const WORKER = { [PROTOCOL_VERSION_HEADER]: PROTOCOL_VERSION };
const JSON_BODY = { "Content-Type": "application/json" };

const bodyOf = ({ text }: RawResponse): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

it("hands to a site what is not for it, and keeps its own routes however they are written", async () => {
  const engine = createLocalEngine({ file: ":memory:" });
  cleanUp(() => engine.close());
  const { url } = await engine.listen({ site: (request, response) => response.end(`site ${request.url}`) });
  const answer = async (path: string): Promise<string> => (await send(url, { method: "GET", path })).text;
  expect(await answer("/")).toBe("site /");
  expect(await answer("/inspect/overview?x=1")).toBe("site /inspect/overview?x=1");
  for (const path of ["/api/nothing", "/api", "/API/health", "//api/health"]) {
    expect(await answer(path), path).not.toContain("site");
  }
});

describe("an address", () => {
  it("is loopback unless told otherwise", async () => {
    const engine = createLocalEngine({ file: ":memory:" });
    cleanUp(() => engine.close());
    expect((await engine.listen()).host).toBe("127.0.0.1");
    expect((await engine.listen({ host: "::1" }).catch(() => ({ url: "http://[::1]:1" }))).url).toContain("[::1]");
  });

  it("that others reach is refused without tokens", async () => {
    const open = createLocalEngine({ file: ":memory:" });
    cleanUp(() => open.close());
    await expect(open.listen({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "address_refused" });
    await expect(open.listen({ host: "::" })).rejects.toMatchObject({ code: "address_refused" });
    const locked = createLocalEngine({ file: ":memory:", auth: { token: "t0p" } });
    cleanUp(() => locked.close());
    const { port } = await locked.listen({ host: "0.0.0.0" });
    expect(
      (await send(`http://127.0.0.1:${port}`, { method: "GET", path: "/api/activities", headers: CONTROL })).status,
    ).toBe(401);
  });

  it("that is taken is an error, and the engine goes on", async () => {
    const { engine, url, client } = await openEngine();
    const port = Number(new URL(url).port);
    await expect(engine.listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await client.started("t", "q");
  });
});

describe("without tokens", () => {
  it("web pages are refused, by origin and by name", async () => {
    const { url } = await openEngine();
    const ask = (headers: Record<string, string>): Promise<RawResponse> =>
      send(url, { method: "GET", path: "/api/health", headers });
    expect((await ask({ Origin: "https://evil.example" })).status).toBe(403);
    expect((await ask({ Origin: "null" })).status).toBe(403);
    expect((await ask({ Host: "evil.example:80" })).status).toBe(403);
    expect((await ask({ Host: "127.0.0.1.evil.example" })).status).toBe(403);
    expect((await ask({ Host: "localhost:1" })).status).toBe(200);
    expect((await ask({ Host: "[::1]:1" })).status).toBe(200);
  });

  it("nothing is said to other origins", async () => {
    const { url } = await openEngine({ auth: { token: "t0p" } });
    const preflight = await send(url, {
      method: "OPTIONS",
      path: "/api/activities",
      headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" },
    });
    expect(preflight.status).toBe(405);
    const answer = await send(url, {
      method: "GET",
      path: "/api/health",
      headers: { Origin: "https://evil.example" },
    });
    expect(answer.status).toBe(200);
    for (const { headers } of [preflight, answer]) {
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

describe("tokens", () => {
  const auth = { workerToken: "w0", operatorToken: "o0", adminToken: "a0" };
  const routes = [
    ["POST", "/api/worker/register", ["w0"]],
    ["POST", "/api/worker/activity-tasks/poll", ["w0"]],
    ["DELETE", "/api/worker/registrations/x", ["w0"]],
    ["GET", "/api/activities", ["o0", "a0"]],
    ["POST", "/api/activities", ["o0", "a0"]],
    ["POST", "/api/workflows/x/cancel", ["o0", "a0"]],
    ["GET", "/api/workflows/x/runs/y/history", ["o0", "a0"]],
    ["GET", "/api/namespaces", ["o0", "a0"]],
    ["GET", "/api/workers", ["o0", "a0"]],
    ["POST", "/api/task-queues/q/drain", ["o0", "a0"]],
    ["GET", "/api/events", ["o0", "a0"]],
    ["GET", "/api/system/repair", ["a0"]],
    ["POST", "/api/system/activity-timeouts/pass", ["a0"]],
    ["GET", "/api/cluster/info", ["w0", "o0", "a0"]],
  ] as const;

  it.each(routes)("%s %s admits its roles and nobody else", async (method, path, admitted) => {
    const { url } = await openEngine({ auth });
    for (const token of ["w0", "o0", "a0"]) {
      const controller = new AbortController();
      const headers = { ...CONTROL, ...WORKER, Authorization: `Bearer ${token}` };
      const asked = send(url, { method, path, headers, signal: controller.signal });
      const isStream = path === "/api/events" && (admitted as readonly string[]).includes(token);
      if (isStream) {
        // It would go on for ever.
        controller.abort();
        await asked.catch(() => undefined);
        continue;
      }
      const { status } = await asked;
      expect(status === 403, `${token} got ${status}`).toBe(!(admitted as readonly string[]).includes(token));
    }
    for (const authorization of [undefined, "Bearer", "Bearer nope", "Basic w0", "bearer", "Bearer w0 x"]) {
      const headers = { ...CONTROL, ...WORKER, ...(authorization && { Authorization: authorization }) };
      expect((await send(url, { method, path, headers })).status).toBe(401);
    }
  });

  it("health and readiness are open", async () => {
    const { url } = await openEngine({ auth });
    for (const path of ["/api/health", "/api/ready"]) {
      expect((await send(url, { method: "GET", path })).status).toBe(200);
    }
  });

  it("a token beside role tokens is an admin's", async () => {
    const { url } = await openEngine({ auth: { token: "t0", workerToken: "w0" } });
    const as = (path: string): Promise<RawResponse> =>
      send(url, { method: "GET", path, headers: { ...CONTROL, ...WORKER, Authorization: "Bearer t0" } });
    expect((await as("/api/system/repair")).status).toBe(200);
    expect((await as("/api/workers")).status).toBe(200);
    const worker = await send(url, {
      method: "POST",
      path: "/api/worker/heartbeat",
      headers: { ...WORKER, Authorization: "Bearer t0" },
    });
    expect(bodyOf(worker)).toMatchObject({ reason: "forbidden", role: "admin" });
  });
});

describe("a request", () => {
  it("is bounded in size, whatever it announces", async () => {
    const { url } = await openEngine({ maxBodyBytes: 1024 });
    const headers = { ...CONTROL, ...JSON_BODY };
    const large = await send(url, { method: "POST", path: "/api/activities", headers, body: "x".repeat(1025) });
    expect(bodyOf(large)).toMatchObject({ reason: "payload_too_large", limit: 1024 });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.write("POST /api/activities HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.write(`800\r\n${"x".repeat(2048)}\r\n`);
    await closed;
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    ["gzip", 415, "unsupported_media_type"],
    ["identity, br", 415, "unsupported_media_type"],
    ["Identity", 422, "validation_failed"],
  ])("is taken as it is, with Content-Encoding %s too", async (encoding, status, reason) => {
    const { url } = await openEngine();
    const headers = { ...JSON_BODY, ...CONTROL, "Content-Encoding": encoding };
    const answer = await send(url, { method: "POST", path: "/api/activities", headers, body: "{}" });
    expect([answer.status, bodyOf(answer)["reason"]]).toEqual([status, reason]);
    expect(answer.headers["accept-encoding"]).toBe(status === 415 ? "identity" : undefined);
  });

  it("fails the first check in its order", async () => {
    const { url } = await openEngine({ auth: { workerToken: "w0" } });
    const ask = async (headers: Record<string, string>, body = "{}"): Promise<unknown> =>
      bodyOf(await send(url, { method: "POST", path: "/api/worker/register", headers, body }))["reason"];
    const namespace = { "X-Namespace": "none" };
    expect(await ask({ ...namespace }, "{")).toBe("unsupported_media_type");
    expect(await ask({ ...JSON_BODY, ...namespace }, "{")).toBe("malformed_json");
    expect(await ask({ ...JSON_BODY, ...namespace })).toBe("unauthorized");
    const token = { ...JSON_BODY, Authorization: "Bearer w0" };
    expect(await ask({ ...token, ...namespace })).toBe("missing_protocol_version");
    expect(await ask({ ...token, ...namespace, "X-Durable-Workflow-Protocol-Version": "3.0" })).toBe(
      "unsupported_protocol_version",
    );
    expect(await ask({ ...token, ...namespace, ...WORKER })).toBe("namespace_not_found");
    expect(await ask({ ...token, ...WORKER })).toBe("validation_failed");
  });

  it.each([
    ["GET", "/api/service-endpoints"],
    ["POST", "/api/service-endpoints/e/services/s/operations/o/execute"],
    ["GET", "/api/workflows/w/nexus-operations"],
    ["GET", "/api/workflows/w/runs/r/nexus-operations"],
  ])("of service operations, %s %s, is told that there are none", async (method, path) => {
    const { client } = await openEngine();
    expect(await client.call(method, path, method === "POST" ? {} : undefined)).toMatchObject({
      status: 404,
      body: { reason: "service_operations_unavailable" },
    });
    const { body } = await client.call("GET", "/api/service-endpointsx");
    expect(body.reason).toBe("not_found");
  });

  it.each(["[]", "null", "5", '"x"', "{}", '{"task_queue":null,"runtime":null}'])(
    "with the body %s lacks what it needs",
    async (body) => {
      const { url } = await openEngine();
      const answer = await send(url, {
        method: "POST",
        path: "/api/worker/register",
        headers: { ...WORKER, ...JSON_BODY },
        body,
      });
      expect(bodyOf(answer)["errors"]).toEqual({
        task_queue: ["The task queue field is required."],
        runtime: ["The runtime field is required."],
        capability_manifest: ["The capability manifest field is required."],
      });
    },
  );

  it("names every field that is wrong", async () => {
    const { client } = await openEngine();
    const { status, body } = await client.start("t", "q", {
      activity_type: "x".repeat(256),
      task_queue: 5,
      activity_id: "a".repeat(129),
      business_key: {},
      retry_policy: { max_attempts: 1.5, backoff_seconds: [1, -1, "x"], non_retryable_error_types: [7] },
      start_to_close_timeout_seconds: "soon",
      heartbeat_timeout_seconds: 0,
    });
    expect(status).toBe(422);
    expect(Object.keys(body.errors)).toEqual([
      "activity_type",
      "activity_id",
      "task_queue",
      "business_key",
      "retry_policy.max_attempts",
      "retry_policy.backoff_seconds.1",
      "retry_policy.backoff_seconds.2",
      "retry_policy.non_retryable_error_types.0",
      "start_to_close_timeout_seconds",
      "heartbeat_timeout_seconds",
    ]);
    expect(body.message).toBe("The activity type field must not be greater than 255 characters. (and 9 more errors)");
    expect(body.validation_errors).toEqual(body.errors);
  });

  it("for a failure names what is wrong in it", async () => {
    const { client } = await openEngine();
    const held = { taskId: "x", attemptId: "y", owner: "z", task: {} };
    const none = await client.report("fail", held);
    expect(none.body.errors).toEqual({ failure: ["The failure field is required."] });
    const { body } = await client.report("fail", held, {
      failure: { message: "", kind: "bad", timeout_type: "late", non_retryable: "yes", code: "x", type: 4 },
    });
    expect(Object.keys(body.errors).toSorted()).toEqual([
      "failure.code",
      "failure.kind",
      "failure.message",
      "failure.non_retryable",
      "failure.timeout_type",
      "failure.type",
    ]);
  });

  it("is answered compressed where that was asked for, and large", async () => {
    const { url } = await openEngine();
    const ask = (encoding: string): Promise<RawResponse> =>
      send(url, { method: "GET", path: "/api/cluster/info", headers: { "Accept-Encoding": encoding } });
    expect((await ask("gzip, deflate")).headers["content-encoding"]).toBe("gzip");
    expect((await ask("deflate")).headers["content-encoding"]).toBe("deflate");
    expect((await ask("identity")).headers["content-encoding"]).toBeUndefined();
  });

  it("may end in a slash", async () => {
    const { url } = await openEngine();
    expect((await send(url, { method: "GET", path: "/api/health/" })).status).toBe(200);
    expect((await send(url, { method: "GET", path: "/api/activities/?page_size=0", headers: CONTROL })).status).toBe(
      422,
    );
    for (const path of ["/", "//", "/api", "/api//health"]) {
      expect((await send(url, { method: "GET", path })).status).toBe(404);
    }
  });

  it("may be HEAD where it may be GET", async () => {
    const { url } = await openEngine();
    const answer = await send(url, { method: "HEAD", path: "/api/health" });
    expect(answer).toMatchObject({ status: 200, text: "" });
  });

  it("that is HEAD leaves its connection free, also where GET would go on for ever", async () => {
    const { url } = await openEngine();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    cleanUp(() => socket.destroy());
    const ask = (method: string, path: string, more = ""): string =>
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
    socket.write(ask("HEAD", "/api/events") + ask("GET", "/api/health", "Connection: close\r\n"));
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    expect(received.match(/^HTTP\/1\.1 200 /gm)).toHaveLength(2);
    expect(received).toContain('"status":"serving"');
  });

  it("whose body is no UTF-8 is refused: it would be kept with other characters", async () => {
    const { url } = await openEngine();
    const response = await fetch(`${url}/api/activities`, {
      method: "POST",
      headers: { ...CONTROL, ...JSON_BODY },
      body: Buffer.from('{"activity_type":"caf\u00e9"}', "latin1"),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ reason: "malformed_json" });
  });
});

describe("the progress of a heartbeat", () => {
  it.each([
    ['"current":1e999', "current"],
    ['"total":-1e999', "total"],
    ['"current":-1', "current"],
    ['"current":"5"', "current"],
    ['"details":{"size":1e999}', "details.size"],
    ['"details":{"list":[1]}', "details.list"],
  ])("with %s is refused by name, and nothing is recorded", async (progress, field) => {
    const { url, client } = await openEngine();
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const held = await client.take("w", "q");
    const answer = await send(url, {
      method: "POST",
      path: `/api/worker/activity-tasks/${held?.taskId}/heartbeat`,
      headers: { ...WORKER, ...JSON_BODY },
      body: `{"activity_attempt_id":"${held?.attemptId}","lease_owner":"w",${progress}}`,
    });
    expect(answer.status).toBe(422);
    expect(Object.keys(bodyOf(answer)["errors"] as object)).toEqual([field]);
    expect((await client.history("a")).at(-1).event_type).toBe("ActivityStarted");
  });
});

describe("events", () => {
  it("tell a namespace's readers what happens, without payloads", async () => {
    const { url, client } = await openEngine({ namespaces: ["other"] });
    const controller = new AbortController();
    const response = await fetch(`${url}/api/events`, { headers: CONTROL, signal: controller.signal });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const other = new Client(url, { namespace: "other" });
    await other.started("t", "q", { activity_id: "elsewhere" });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", input: ["hidden-input"] });
    const held = await client.take("w", "q");
    await client.report("heartbeat", held!, { message: "half" });
    await client.report("complete", held!, { result: "hidden-result" });
    let text = "";
    while (!text.includes("activity.closed")) text += (await reader?.read())?.value ?? "";
    controller.abort();
    expect([...text.matchAll(/^event: (.+)$/gm)].map(([, type]) => type)).toEqual([
      "activity.scheduled",
      "activity.started",
      "activity.heartbeat",
      "activity.closed",
    ]);
    const last = JSON.parse(/data: (.+)\n\n$/.exec(text)?.[1] ?? "{}") as unknown;
    expect(last).toMatchObject({ activity_id: "a", status: "completed", attempt_count: 1 });
    expect(text).not.toContain("hidden");
    expect(text).not.toContain("elsewhere");
  });

  it("end when the engine is closed", async () => {
    const { url, engine } = await openEngine();
    const response = await fetch(`${url}/api/events`, { headers: CONTROL });
    const reading = response.text();
    await engine.close();
    expect(await reading).toContain(": connected");
  });
});

describe("a request that is still arriving when the engine is closed", () => {
  /** Sends a request but for its last byte, closes the engine, sends the rest, and gives all that was answered. */
  async function askLate(path: string): Promise<string> {
    const { url, engine, client } = await openEngine();
    await client.started("t", "q", { activity_id: "a" });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    cleanUp(() => socket.destroy());
    const headers = Object.entries({ Host: "localhost", ...CONTROL, ...JSON_BODY, "Content-Length": "2" });
    socket.write(`GET ${path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n{`);
    await arrived();
    const closed = engine.close();
    socket.write("}");
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    await closed;
    return received;
  }

  it("is not left waiting for an activity to close", async () => {
    expect(await askLate("/api/activities/a?wait=300")).toMatch(/^HTTP\/1\.1 200 [^]*"status":"running"/);
  });

  it("gets an event stream that ends", async () => {
    expect(await askLate("/api/events")).toMatch(/^HTTP\/1\.1 200 [^]*\r\n0\r\n\r\n$/);
  });
});

describe("options", () => {
  const bad = [
    [{ file: "" }, "file must be a path"],
    [{ file: "https://example.com/db" }, "file must be a path, not a URL"],
    [{ file: "libsql://example.com" }, "file must be a path, not a URL"],
    [{ file: "file:engine.db" }, "write ./file:engine.db"],
    [{ leaseSeconds: 0 }, "leaseSeconds must be a whole number from 1 to 86400, not 0"],
    [{ longPollSeconds: 1.5 }, "longPollSeconds"],
    [{ maxBodyBytes: 10 }, "maxBodyBytes"],
    [{ namespaces: ["Über"] }, "namespaces must be names of lower-case letters"],
    [{ integrityCheck: "some" }, "integrityCheck must be"],
    [{ auth: { token: "" } }, "auth.token must be text without spaces"],
    [{ auth: { workerToken: "x", adminToken: "x" } }, "auth.adminToken is also the token of another role"],
    [{ retentionSeconds: -1 }, "retentionSeconds"],
    [{ externalExecutorConfig: {} }, "externalExecutorConfig.path"],
  ] as const;

  it.each(bad)("%j is refused at construction", (options, message) => {
    expect(() => createLocalEngine({ file: ":memory:", ...(options as object) })).toThrow(
      expect.objectContaining({ name: "TypeError", message: expect.stringContaining(message) }),
    );
  });
});

it("an engine that is closed while it begins to listen does not listen", async () => {
  const engine = createLocalEngine({ file: ":memory:" });
  const listening = engine.listen();
  const closed = engine.close();
  await expect(listening).rejects.toMatchObject({ code: "closed" });
  await closed;
});
