import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as carrier from "@durable-workflow/carrier";
import * as lambda from "@durable-workflow/carrier/lambda";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import * as storage from "@durable-workflow/carrier/storage";
import { buildTaskInput, type TaskInputOptions } from "@durable-workflow/carrier/testing";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { workflowTaskEnvelope } from "./support/envelopes.js";
import { MemoryDriver } from "./support/memory-driver.js";

/** `docs/write/from-python.md`: each row of its tables, by what stands in its first column, is run here. */
const page = readFileSync(fileURLToPath(new URL("../../../docs/write/from-python.md", import.meta.url)), "utf8");

function rowsOf(section: string): readonly string[] {
  const [, text = ""] = new RegExp(`^## ${section}\\n(.*?)(?=^## |(?![\\s\\S]))`, "ms").exec(page) ?? [];
  const rows = [...text.matchAll(/^\| (.+?) +\|/gm)].map(([, cell = ""]) => cell);
  return rows.filter((cell, index) => index > 0 && !/^-+$/.test(cell));
}

const greet = (name: string) => `Hello, ${name}`;
const HANDLERS = { greet };

function task(args: readonly unknown[] = ["Ada"], more: TaskInputOptions = {}) {
  return buildTaskInput({ activityType: "greet", args, ...more });
}

interface Outcome {
  readonly outcome: object;
  readonly task: object;
  readonly metadata: object;
  /** Of a success. */
  readonly result?: { readonly payload: object };
  /** Of a failure. */
  readonly failure?: object;
}

/** What became of a task, as the page speaks of it. */
async function run(activity: (...args: never[]) => unknown, envelope: unknown = task()) {
  const result = (await new carrier.InvocableActivityHandler({ greet: activity }).handle(envelope)) as Outcome;
  return { ...result, value: result.result === undefined ? undefined : value(result) };
}

function value({ result }: Outcome): unknown {
  return decodePayload(result?.payload as Parameters<typeof decodePayload>[0]);
}

const fails =
  (error: unknown): (() => never) =>
  () => {
    throw error;
  };

const final = { outcome: { status: "failed", retryable: false } };
const again = { outcome: { status: "failed", retryable: true } };
const INVALID = { statusCode: 400, body: expect.stringContaining('"error":"invalid_invocable_request"') as string };

const NAMES: Readonly<Record<string, () => unknown>> = {
  "`InvocableActivityCallable`": () => expectTypeOf(greet).toExtend<carrier.ActivityFunction>(),
  "`InvocableActivityHandler(handlers, **options)`": () =>
    expect(new carrier.InvocableActivityHandler(HANDLERS, {})).toBeInstanceOf(carrier.InvocableActivityHandler),
  "`InvocableActivityHandler.handle(envelope)`": async () =>
    expect(value((await new carrier.InvocableActivityHandler(HANDLERS).handle(task())) as Outcome)).toBe("Hello, Ada"),
  'option `carrier="python-invocable"`': async () => {
    expect((await run(greet)).metadata).toMatchObject({ carrier: "typescript-invocable" });
    const named = new carrier.InvocableActivityHandler(HANDLERS, { carrier: "lamps" });
    expect((await named.handle(task())).metadata).toMatchObject({ carrier: "lamps" });
  },
  'option `result_codec="avro"`': async () => {
    const handler = new carrier.InvocableActivityHandler(HANDLERS, { resultCodec: "avro" });
    expect(await handler.handle(task())).toMatchObject({ result: { payload: { codec: "avro" } } });
    const json = { resultCodec: "json" as "avro" };
    expect(() => new carrier.InvocableActivityHandler(HANDLERS, json)).toThrow('resultCodec must be "avro"');
  },
  "option `external_storage=driver`": async () => {
    const driver = new MemoryDriver();
    const externalStorage = storage.externalStorage(driver, { thresholdBytes: 10 });
    await new carrier.InvocableActivityHandler(HANDLERS, { externalStorage }).handle(task());
    expect(driver.objects.size).toBe(1);
  },
  "option `external_storage_cache=cache`": () => {
    const cache = new storage.ExternalPayloadCache();
    expect(storage.externalStorage(new MemoryDriver(), { cache }).cache).toBe(cache);
    expect(storage.externalStorage(new MemoryDriver()).cache).toBeInstanceOf(storage.ExternalPayloadCache);
  },
  "attribute `handlers`": () => expect(new carrier.InvocableActivityHandler(HANDLERS).activityTypes).toEqual(["greet"]),
  "attribute `carrier`": () =>
    expect(new carrier.InvocableActivityHandler(HANDLERS, { carrier: "lamps" }).carrier).toBe("lamps"),
  "attributes `result_codec`, `external_storage`, `external_storage_cache`": async () => {
    const handlers: Record<string, typeof greet> = { greet };
    const options = { carrier: "lamps" };
    const handler = new carrier.InvocableActivityHandler(handlers, options);
    options.carrier = "other";
    delete handlers["greet"];
    expect(await handler.handle(task())).toMatchObject({
      outcome: { status: "succeeded" },
      metadata: { carrier: "lamps" },
    });
  },
  "`handle_invocable_activity(envelope, handlers, **options)`": async () =>
    expect(await carrier.handleInvocableActivity(task(), HANDLERS, { carrier: "lamps" })).toMatchObject({
      outcome: { status: "succeeded" },
      metadata: { carrier: "lamps" },
    }),
  "`handle_invocable_http_request(body, handlers, **options)`": async () =>
    expect(await carrier.handleInvocableHttpRequest(JSON.stringify(task()), HANDLERS, {})).toMatchObject({
      statusCode: 200,
    }),
  "`InvocableHttpResponse(status_code, headers, body)`": async () => {
    const { statusCode, headers, body } = await carrier.handleInvocableHttpRequest(task(), HANDLERS);
    expect(statusCode).toBe(200);
    expect(Object.keys(headers)).toEqual(["content-type"]);
    expect(typeof body).toBe("string");
  },
  "`InvocableHttpResponse.json()`": async () =>
    expect((await carrier.handleInvocableHttpRequest(task(), HANDLERS)).json()).toMatchObject({
      outcome: { status: "succeeded" },
    }),
  "`handle_invocable_lambda_event(event, handlers, **options)`": async () =>
    expect(await lambda.handleInvocableLambdaEvent({ body: JSON.stringify(task()) }, HANDLERS, {})).toMatchObject({
      statusCode: 200,
    }),
  "`lambda_invocable_activity_handler(handlers, **options)`": async () => {
    const handler = lambda.lambdaInvocableActivityHandler(HANDLERS, {});
    const answer = handler({ body: JSON.stringify(task()) });
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toMatchObject({ statusCode: 200 });
  },
  "`NonRetryableError`": () => expect(carrier.isNonRetryable(new carrier.NonRetryableError("no"))).toBe(true),
  "`ActivityCancelled`": () => expect(carrier.isActivityCancelled(new carrier.ActivityCancelled())).toBe(true),
};

const bodyOf = (body: Parameters<typeof carrier.handleInvocableHttpRequest>[0]) =>
  carrier.handleInvocableHttpRequest(body, HANDLERS);
const eventOf = (event: unknown) => lambda.handleInvocableLambdaEvent(event, HANDLERS);
const text = JSON.stringify(task());
const withPayload = (payload: TaskInputOptions["payload"]) =>
  buildTaskInput({ activityType: "greet", ...(payload && { payload }) });

const PROMISES: Readonly<Record<string, () => unknown>> = {
  "the task input envelope goes in, the task result envelope comes out": async () =>
    expect(await run(greet)).toMatchObject({ schema: "durable-workflow.v2.external-task-result", version: 1 }),
  "`task.id`, `kind`, `attempt` and `idempotency_key` come back": async () => {
    const envelope = task(["Ada"], { attempt: 3 });
    const { id, kind, attempt, idempotency_key } = envelope.task;
    expect((await run(greet, envelope)).task).toEqual({ id, kind, attempt, idempotency_key });
  },
  "`metadata` says handler, carrier and duration": async () =>
    expect((await run(greet)).metadata).toEqual({
      handler: "greet",
      carrier: "typescript-invocable",
      duration_ms: expect.any(Number) as number,
    }),
  "a workflow task is refused": async () =>
    expect(await run(greet, workflowTaskEnvelope())).toMatchObject({
      ...final,
      failure: { type: "UnsupportedExternalTaskKind", classification: "application_error" },
    }),
  "an unknown activity is refused": async () =>
    expect(await run(greet, buildTaskInput({ activityType: "part" }))).toMatchObject({
      ...final,
      failure: { type: "UnknownActivityHandler", message: expect.stringContaining("only for: greet") as string },
    }),
  "handlers may be plain functions or asynchronous": async () => {
    expect((await run((name: string) => name)).value).toBe("Ada");
    expect((await run(async (name: string) => name)).value).toBe("Ada");
  },
  "arguments are spread; none are `null`; what is no list is the one argument": async () => {
    const count = (...args: readonly unknown[]) => args;
    expect((await run(count, task(["a", 2]))).value).toEqual(["a", 2]);
    const none = { ...task(), payloads: { arguments: null } };
    expect((await run(count, none)).value).toEqual([]);
    expect((await run(count, withPayload({ ...payloadEnvelope(null) }))).value).toEqual([]);
    expect((await run(count, withPayload({ ...payloadEnvelope("a") }))).value).toEqual(["a"]);
  },
  "a result is an Avro payload, `...result+json`": async () =>
    expect((await run(greet)).result).toMatchObject({
      payload: { codec: "avro" },
      metadata: { content_type: "application/vnd.durable-workflow.result+json" },
    }),
  "an exception fails the task, retryable, with its stack trace": async () => {
    const failure = { type: "Error", message: "no", kind: "application", classification: "application_error" };
    const stack_trace = expect.stringContaining("from-python.test") as string;
    expect(await run(fails(new Error("no")))).toMatchObject({ ...again, failure: { ...failure, stack_trace } });
    const quiet = new carrier.InvocableActivityHandler({ greet: fails(new Error("no")) }, { stackTraces: false });
    expect(await quiet.handle(task())).toMatchObject({ failure: { ...failure, stack_trace: null } });
  },
  "`NonRetryableError` fails it for good": async () => {
    expect(await run(fails(new carrier.NonRetryableError("no")))).toMatchObject({
      ...final,
      failure: { type: "NonRetryableError", message: "no" },
    });
    expect(await run(fails(new carrier.ActivityFailure("no", { retryable: false })))).toMatchObject(final);
  },
  "`ActivityCancelled` is a cancellation": async () =>
    expect(await run(fails(new carrier.ActivityCancelled("stopped")))).toMatchObject({
      ...final,
      failure: { kind: "cancellation", classification: "cancelled", cancelled: true, message: "stopped" },
    }),
  "an error of the language from a handler": async () =>
    expect(await run(fails(new TypeError("no")))).toMatchObject({
      ...again,
      failure: { kind: "application", type: "TypeError" },
    }),
  "`TimeoutError` of a handler": async () =>
    expect(await run(fails(new DOMException("late", "TimeoutError")))).toMatchObject({
      ...again,
      failure: { kind: "application", classification: "application_error", type: "TimeoutError" },
    }),
  "arguments that do not decode": async () =>
    expect(await run(greet, withPayload({ codec: "avro", blob: "***" }))).toMatchObject({
      ...final,
      failure: { kind: "decode_failure", classification: "decode_failure" },
    }),
  "arguments of another codec": async () =>
    expect(await run(greet, withPayload({ codec: "morse", blob: "Lg==" }))).toMatchObject({
      ...final,
      failure: { classification: "unsupported_payload_codec" },
    }),
  "a reference without a driver": async () => {
    const externalStorage = storage.externalStorage(new MemoryDriver(), { thresholdBytes: 0 });
    const stored = await carrier.handleInvocableActivity(task(), HANDLERS, { externalStorage });
    const payload = (stored as Outcome).result?.payload;
    expect(payload).toHaveProperty("external_storage");
    expect(await run(greet, { ...task(), payloads: { arguments: payload } })).toMatchObject({
      ...final,
      failure: { kind: "unsupported_payload", classification: "unsupported_payload_reference" },
    });
  },
  "a return value that does not encode": async () =>
    expect(await run(() => Symbol("no"))).toMatchObject({
      ...final,
      failure: { kind: "decode_failure", classification: "decode_failure" },
    }),
  "a deadline that is past on receipt: the handler is not called": async () => {
    const handler = vi.fn(greet);
    expect(await run(handler, task(["Ada"], { startToCloseMs: -1000 }))).toMatchObject({
      ...again,
      failure: { type: "ExternalTaskDeadlineExceeded", classification: "deadline_exceeded" },
    });
    expect(handler).not.toHaveBeenCalled();
  },
  "a deadline that passes while the handler runs": async () => {
    const reasons: unknown[] = [];
    const handler = new carrier.InvocableActivityHandler({
      greet: carrier.defineActivity({
        run: ({ signal }) =>
          new Promise(() => {
            signal.addEventListener("abort", () => reasons.push(signal.reason));
          }),
      }),
    });
    expect(await handler.handle(task([], { startToCloseMs: 100 }))).toMatchObject({
      ...again,
      failure: { classification: "deadline_exceeded", timeout_type: "deadline_exceeded" },
    });
    expect(reasons).toHaveLength(1);
    expect(carrier.isExternalTaskDeadlineExceeded(reasons[0])).toBe(true);
  },
  "a structured result gets 200, whatever it says": async () =>
    expect(await carrier.handleInvocableHttpRequest(task(), { greet: fails(new Error("no")) })).toMatchObject({
      statusCode: 200,
    }),
  "the answer's media type is that of results": async () =>
    expect((await bodyOf(text)).headers).toEqual({
      "content-type": "application/vnd.durable-workflow.external-task-result+json",
    }),
  "a body may be bytes, text or a document": async () => {
    for (const body of [new TextEncoder().encode(text), text, task()]) {
      expect((await bodyOf(body)).statusCode).toBe(200);
    }
  },
  "no body, no JSON, no object, no valid envelope: 400": async () => {
    for (const body of [undefined, "", "no", "[]", "7", "{}", Uint8Array.of(0xff), { schema: "other" }]) {
      expect(await bodyOf(body)).toMatchObject(INVALID);
    }
  },
  "Lambda: events of REST and HTTP APIs": async () => {
    expect(await eventOf({ httpMethod: "POST", headers: {}, body: text })).toMatchObject({ statusCode: 200 });
    const http = { version: "2.0", requestContext: { http: { method: "POST" } }, headers: {}, body: text };
    expect(await eventOf(http)).toMatchObject({ statusCode: 200 });
  },
  "Lambda: a body in base64": async () => {
    const event = { httpMethod: "POST", headers: {}, body: Buffer.from(text).toString("base64") };
    expect(await eventOf({ ...event, isBase64Encoded: true })).toMatchObject({ statusCode: 200 });
    expect(await eventOf(event)).toMatchObject(INVALID);
    expect(await eventOf({ ...event, body: "***", isBase64Encoded: true })).toMatchObject(INVALID);
  },
  "Lambda: an event of `body` alone, text or document": async () => {
    for (const body of [text, task()]) {
      expect(await eventOf({ body })).toMatchObject({ statusCode: 200 });
      expect(await eventOf({ body, isBase64Encoded: false })).toMatchObject({ statusCode: 200 });
      const guarded = { auth: carrier.bearerToken("t") };
      expect(await lambda.handleInvocableLambdaEvent({ body }, HANDLERS, guarded)).toMatchObject({ statusCode: 401 });
    }
  },
  "Lambda: an event without a body": async () => {
    expect(await eventOf({})).toMatchObject(INVALID);
    expect(await eventOf({ httpMethod: "POST", headers: {}, body: null })).toMatchObject(INVALID);
    expect(await eventOf(task())).toMatchObject({ outcome: { status: "succeeded" } });
  },
  "Lambda: the answer": async () => {
    const answer = await eventOf({ body: text });
    expect(Object.keys(answer).toSorted()).toEqual(["body", "headers", "isBase64Encoded", "statusCode"]);
    const balanced = { requestContext: { elb: {} }, httpMethod: "POST", headers: {}, body: text };
    expect(await eventOf(balanced)).toMatchObject({ statusDescription: "200 OK" });
  },
  "Lambda: an event of a queue": () =>
    expect(eventOf({ Records: [{ eventSource: "aws:sqs", body: text }] })).rejects.toThrow("no event with"),
};

describe.each([
  ["Names", NAMES],
  ["Promises", PROMISES],
])("%s of the Python SDK", (section, tests) => {
  it("are each run", () => {
    expect(rowsOf(section)).toEqual(Object.keys(tests));
  });

  it.each(Object.entries(tests))("%s", async (_, test) => {
    await test();
  });
});
