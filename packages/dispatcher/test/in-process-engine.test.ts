import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createDispatcher, type DispatcherEvent, type DispatcherOptions } from "../src/index.js";

const TOKENS = { workerToken: "worker-t0ken", operatorToken: "operator-t0ken" };

let carrier: Loopback;
let carrierCalls = 0;

/** Answers with the first argument. */
beforeAll(async () => {
  carrier = await listen(
    createServer((request, response) => {
      carrierCalls++;
      void buffer(request).then((body) => {
        const { task, payloads } = JSON.parse(body.toString()) as { task: Record<string, unknown>; payloads: never };
        const { id, kind, attempt, idempotency_key } = task;
        const [first] = decodePayload((payloads as { arguments: never }).arguments) as readonly string[];
        response.end(
          JSON.stringify({
            schema: "durable-workflow.v2.external-task-result",
            version: 1,
            outcome: { status: "succeeded", recorded: false },
            task: { id, kind, attempt, idempotency_key },
            result: { payload: payloadEnvelope(first), metadata: null },
            metadata: { handler: "echo", carrier: "test", duration_ms: 1 },
          }),
        );
      });
    }),
  );
});

afterAll(() => carrier.close());

/** Nobody is at this address: whatever is asked over HTTP fails. */
const NOBODY = "http://127.0.0.1:9";

async function running(token: string, isReachable = false, handlers: DispatcherOptions["handlers"] = {}) {
  const engine = createLocalEngine({ file: ":memory:", auth: TOKENS, maxBodyBytes: 4 * 1024 * 1024 });
  const { url } = await engine.listen();
  const dispatcher = createDispatcher({
    engine,
    handlers,
    environment: {},
    profilesPath: "/nowhere/profiles.json",
    connection: { serverUrl: isReachable ? url : NOBODY, token },
    config: {
      schema: "durable-workflow.external-executor.config",
      version: 1,
      defaults: { task_queue: "q" },
      carriers: { web: { type: "invocable_http", url: `${carrier.url}/` } },
      mappings: [{ name: "echo", kind: "activity", activity_type: "echo", carrier: "web", handler: "echo" }],
    },
    drainMs: 1_000,
  });
  const events: DispatcherEvent[] = [];
  dispatcher.events.on((event) => events.push(event));
  onTestFinished(async () => {
    await dispatcher.drain();
    await engine.close();
  });
  const client = new Client(url, TOKENS);
  await dispatcher.start();
  return { client, dispatcher, events };
}

it.each([
  ["without a connection to the engine", false, ["Grüße \u{1f600}", "x".repeat(20_000)]],
  ["with one for large payloads alone", true, ["y".repeat(1_000_000)]],
])("leases, delivers and reports %s", async (_, isReachable, texts) => {
  const { client, events } = await running("worker-t0ken", isReachable);
  for (const text of texts) {
    const { activity_id: id } = await client.started("echo", "q", { input: [text] });
    const { body } = await client.call("GET", `/api/activities/${id}?wait=30`);
    expect(body.status).toBe("completed");
    if (isReachable) expect(body.result.external_payload.size_bytes).toBeGreaterThan(text.length);
    else expect(decodePayload(body.result)).toBe(text);
  }
  expect(events.filter(({ type }) => type === "engine_unavailable")).toEqual([]);
});

it.each([false, true])(
  "gives tasks to a carrier of its own process without a connection, large payloads: %s",
  async (large) => {
    const inputs: unknown[] = [];
    const echo = new InvocableActivityHandler(
      { echo: (text: string) => (inputs.push(text), text) },
      { carrier: "here" },
    );
    carrierCalls = 0;
    const { client, events } = await running("worker-t0ken", large, { web: echo });
    const text = large ? "y".repeat(1_000_000) : "Grüße";
    const { activity_id: id } = await client.started("echo", "q", { input: [text] });
    const { body } = await client.call("GET", `/api/activities/${id}?wait=30`);
    expect(body.status).toBe("completed");
    expect(inputs).toEqual([text]);
    expect(carrierCalls).toBe(0);
    expect(events.find(({ type }) => type === "delivery_ended")).toMatchObject({ carrier: "web", outcome: "answered" });
  },
);

it("has the authority of its token, and no more", async () => {
  const { dispatcher, events } = await running("operator-t0ken");
  await expect.poll(() => events.find(({ type }) => type === "engine_refused")).toMatchObject({ status: 403 });
  expect(dispatcher.health().ready).toBe(false);
});

it("ends at once while a poll is held", async () => {
  const { client, dispatcher, events } = await running("worker-t0ken");
  await expect.poll(() => dispatcher.health().lanes[0]?.state).toBe("polling");
  expect(await dispatcher.drain()).toEqual({ abandoned: 0 });
  expect(events.at(-1)?.type).toBe("stopped");
  const { body } = await client.call("GET", "/api/workers");
  expect(JSON.stringify(body)).not.toContain('"status":"active"');
});

it("wants an engine, and handlers", () => {
  expect(() => createDispatcher({ engine: {} as never })).toThrow("engine must be an engine of this process");
  expect(() => createDispatcher({ handlers: { web: {} as never } })).toThrow(
    "handlers.web must be an InvocableHandler",
  );
});
