import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { handleInvocableHttpRequest } from "@durable-workflow/carrier";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Json } from "./support/line-peer.js";
import { describeUnless, whyNoPython } from "./support/peers.js";
import { type PythonCarrier, startPythonCarrier } from "./support/python-carrier.js";

// The cross-language greeter: a service with `GET /health` and `POST /greeter`, which puts a plain JSON request into a task
// input of its own making and runs the SDK's handler. The caller of one language is answered by the service of another.

class GreetingRefused extends Error {
  override readonly name = "GreetingRefused";
}

const HANDLERS = {
  "interop.greet": (name: string, scenario: string) => {
    if (scenario === "failure") throw new GreetingRefused(`${name} is not greeted`);
    return { greeting: `Hello, ${name}!`, service_sdk_language: "typescript" };
  },
};

/** Headers of the envelope, both as PHP and as others write them. */
const HEADERS = [
  ["an object", {}],
  ["an object with a trace", { traceparent: "00-11112222333344445555666677778888-9999aaaabbbbcccc-01" }],
] as const;

async function answerGreeting(body: string): Promise<string> {
  const { name, scenario, headers = {} } = JSON.parse(body) as Json;
  const ahead = new Date(Date.now() + 300_000).toISOString();
  const input = buildTaskInput({
    activityType: "interop.greet",
    taskId: "interop-greeter-task",
    attemptId: "interop-greeter-attempt",
    taskQueue: "interop-greeter",
    workflowId: "interop-greeter-caller",
    runId: "interop-greeter-run",
    task: { idempotency_key: "interop-greeter-attempt" },
    payload: { ...payloadEnvelope([name, scenario]) },
    lease: { owner: "interop-greeter", expires_at: ahead },
    deadlines: { schedule_to_start: ahead, start_to_close: ahead, schedule_to_close: ahead, heartbeat: ahead },
  });
  return (await handleInvocableHttpRequest(JSON.stringify({ ...input, headers }), HANDLERS)).body;
}

async function ask(url: string, body: object): Promise<{ status: number; result: Json }> {
  const response = await fetch(new URL("greeter", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, result: (await response.json()) as Json };
}

const request = (scenario: string, more: object = {}) => ({
  name: "Ada",
  scenario,
  caller_sdk_language: "typescript",
  ...more,
});

let ours: Server;
let ourUrl: string;
beforeAll(async () => {
  ours = createServer((message, response) => {
    if (message.method === "GET" && message.url === "/health") return void response.end('{"status":"ok"}');
    void text(message).then(async (body) => response.end(await answerGreeting(body)));
  });
  await new Promise<void>((resolve) => {
    ours.listen(0, "127.0.0.1", resolve);
  });
  ourUrl = `http://127.0.0.1:${(ours.address() as AddressInfo).port}/`;
});
afterAll(() => void ours.close());

describeUnless(whyNoPython("2.12.0"), "the greeter", () => {
  let python: PythonCarrier;
  beforeAll(async () => {
    python = await startPythonCarrier("2.12.0");
  });
  afterAll(() => python.peer.stop());

  const services = [
    ["typescript", () => ourUrl],
    ["python", () => python.url],
  ] as const;

  it.each(services)("answers its health check: %s", async (_, url) => {
    const response = await fetch(new URL("health", url()));
    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  });

  it.each(
    services.flatMap(([language, url]) => HEADERS.map(([name, headers]) => [language, name, url, headers] as const)),
  )("greets, with headers that are %s %s", async (language, _, url, headers) => {
    const { status, result } = await ask(url(), request("greeting", { service_sdk_language: language, headers }));
    expect(status).toBe(200);
    expect(result["outcome"]).toMatchObject({ status: "succeeded", recorded: true });
    expect(result["result"].payload.codec).toBe("avro");
    const greeting = { greeting: "Hello, Ada!", service_sdk_language: language };
    expect(decodePayload(result["result"].payload)).toEqual(greeting);
  });

  it("greets with headers that are an empty list, as PHP writes none: typescript", async () => {
    const { status, result } = await ask(ourUrl, request("greeting", { headers: [] }));
    expect([status, result["outcome"].status, result["outcome"].recorded]).toEqual([200, "succeeded", true]);
  });

  it.each(services)("tells a failure by the plain name of its class: %s", async (_, url) => {
    const { status, result } = await ask(url(), request("failure"));
    expect(status).toBe(200);
    expect(result["outcome"]).toMatchObject({ status: "failed", recorded: true, retryable: true });
    expect(result["failure"]).toMatchObject({ type: "GreetingRefused", message: "Ada is not greeted" });
  });
});
