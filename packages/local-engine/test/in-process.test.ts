import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import { send } from "@durable-workflow/test-support/send";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const WORKER = { "x-durable-workflow-protocol-version": "1.1", authorization: "Bearer worker-t0ken" };
const OPERATOR = { "x-durable-workflow-control-plane-version": "2", authorization: "Bearer operator-t0ken" };
const JSON_TYPE = { "content-type": "application/json" };
const POLL = "/api/worker/activity-tasks/poll";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const post = (path: string, headers: Asked["headers"], body: unknown): Asked => ({
  method: "POST",
  path,
  headers: { ...headers, ...JSON_TYPE },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

/** Requests whose answers say nothing of the time. */
const SAME: readonly (readonly [what: string, asked: Asked])[] = [
  ["no token", post(POLL, { "x-durable-workflow-protocol-version": "1.1" }, {})],
  ["the token of another role", post(POLL, { ...WORKER, authorization: OPERATOR.authorization }, {})],
  ["no version", post(POLL, { authorization: WORKER.authorization }, {})],
  ["a version that is too new", post(POLL, { ...WORKER, "x-durable-workflow-protocol-version": "9.9" }, {})],
  ["a namespace that is not there", post(POLL, { ...WORKER, "x-namespace": "elsewhere" }, {})],
  ["a path that is not there", { method: "GET", path: "/api/nowhere", headers: OPERATOR }],
  ["a method that is not there", { method: "DELETE", path: POLL, headers: WORKER }],
  ["no JSON", post(POLL, WORKER, "{")],
  ["JSON that is too deep", post(POLL, WORKER, `${"[".repeat(2_000)}${"]".repeat(2_000)}`)],
  ["a body that is too large", post(POLL, WORKER, { text: "x".repeat(5_000) })],
  ["fields that are none", post(POLL, WORKER, { worker_id: 7 })],
  ["a worker that is not registered", post(POLL, WORKER, { worker_id: "w", task_queue: "q" })],
  ["no activity of that id", { method: "GET", path: "/api/activities/none?wait=0", headers: OPERATOR }],
  ["a list with a query", { method: "GET", path: "/api/activities?status=failed&page_size=1", headers: OPERATOR }],
  ["cluster info", { method: "GET", path: "/api/cluster/info", headers: OPERATOR }],
];

let engine: LocalEngine;
let url: string;

beforeAll(async () => {
  engine = createLocalEngine({
    file: ":memory:",
    maxBodyBytes: 4_096,
    auth: { workerToken: "worker-t0ken", operatorToken: "operator-t0ken" },
  });
  ({ url } = await engine.listen());
});

afterAll(() => engine.close());

/** Where both have it, the time is another one. */
function untimed(text: string): Json {
  return JSON.parse(text, (key, value: unknown) => (/(?:_at|time|uptime.*)$/.test(key) ? null : value));
}

describe("an engine asked in its own process", () => {
  it.each(SAME)("answers as over HTTP: %s", async (_, asked) => {
    const here = await engine.answer(asked);
    const there = await send(url, { ...asked, body: asked.body });
    expect(here.status).toBe(there.status);
    expect(untimed(String(here.body))).toEqual(untimed(there.text));
  });

  it("leases and records", async () => {
    const control = new Client(url, { operatorToken: "operator-t0ken" });
    const ask = async (path: string, body: unknown): Promise<{ readonly status: number; readonly body: Json }> => {
      const answer = await engine.answer(post(path, WORKER, body));
      return { status: answer.status, body: JSON.parse(String(answer.body)) };
    };
    const registration = { worker_id: "w", task_queue: "q", runtime: "typescript", supported_activity_types: ["t"] };
    expect((await ask("/api/worker/register", registration)).status).toBe(201);
    const started = await control.started("t", "q", { input: ["Grüße \u{1f600}"] });
    const { task } = (await ask(POLL, { worker_id: "w", task_queue: "q" })).body;
    expect(task.workflow_id).toBe(started.activity_id);
    const own = { activity_attempt_id: task.activity_attempt_id, lease_owner: task.lease_owner };
    const complete = `/api/worker/activity-tasks/${task.task_id}/complete`;
    expect(await ask(complete, { ...own, lease_owner: "other", result: null })).toMatchObject({ status: 409 });
    expect(await ask(complete, { ...own, result: null })).toMatchObject({ status: 200 });
    expect((await control.call("GET", `/api/activities/${started.activity_id}`)).body.status).toBe("completed");
  });

  it("lets a poll go that nobody waits for any more", async () => {
    let leave = (): void => {};
    const body = { worker_id: "w", task_queue: "q", timeout_seconds: 30, poll_request_id: "gone" };
    const held = engine.answer({
      ...post(POLL, WORKER, body),
      onDisconnect: (callback) => {
        leave = callback;
      },
    });
    const control = new Client(url, { operatorToken: "operator-t0ken" });
    leave();
    expect(JSON.parse(String((await held).body)).task).toBeNull();
    const started = await control.started("t", "q");
    const next = await engine.answer(post(POLL, WORKER, { worker_id: "w", task_queue: "q" }));
    expect(JSON.parse(String(next.body)).task.workflow_id).toBe(started.activity_id);
  });

  it.each(["/api/events", "/api/external-payloads/v1/none"])("leaves %s to HTTP", async (path) => {
    const headers = { ...OPERATOR, accept: "text/event-stream" };
    await expect(engine.answer({ method: "GET", path, headers })).rejects.toThrow("over HTTP alone");
  });

  it("ends polls that are held when it is closed, and answers nothing after", async () => {
    const own = createLocalEngine({ file: ":memory:" });
    const ask = (path: string, body: unknown) =>
      own.answer(post(path, { "x-durable-workflow-protocol-version": "1.1" }, body));
    await ask("/api/worker/register", {
      worker_id: "w",
      task_queue: "q",
      runtime: "typescript",
      supported_activity_types: ["t"],
    });
    const held = ask(POLL, { worker_id: "w", task_queue: "q", timeout_seconds: 30 });
    await Promise.all([own.close(), expect(held).resolves.toMatchObject({ status: expect.any(Number) })]);
    await expect(ask(POLL, {})).rejects.toMatchObject({ code: "closed" });
  });
});
