import type {
  ALBEvent,
  ALBResult,
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  APIGatewayProxyResult,
  APIGatewayProxyStructuredResultV2,
  Context,
  Handler,
  LambdaFunctionURLEvent,
} from "aws-lambda";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { activityTaskEnvelope, withField, workflowTaskEnvelope } from "../../test/support/envelopes.js";
import { FakeClock, settle } from "../../test/support/fake-clock.js";
import {
  applicationLoadBalancerEvent,
  type EventParts,
  httpApiEvent,
  restApiEvent,
} from "../../test/support/lambda-events.js";
import { ActivityFailure } from "../activity/errors.js";
import { bearerToken } from "../http/index.js";
import { payloadEnvelope } from "../payload/index.js";
import {
  handleInvocableLambdaEvent,
  type LambdaContextLike,
  type LambdaHttpResult,
  type LambdaInvocableOptions,
  type LambdaResult,
  lambdaInvocableActivityHandler,
} from "./lambda.js";

const HANDLERS = { "lamps.dim": (lamp: string, level: number) => `${lamp} at ${level}` };
const ENVELOPE = activityTaskEnvelope({ task: { id: "задача-😀" } });
const TASK = JSON.stringify(ENVELOPE);
const RESULT_TYPE = "application/vnd.durable-workflow.external-task-result+json";

const EVENTS: readonly (readonly [string, (parts: EventParts) => unknown])[] = [
  ["REST API", restApiEvent],
  ["HTTP API and Function URL", httpApiEvent],
  ["load balancer", applicationLoadBalancerEvent],
  ["load balancer with lists", (parts) => applicationLoadBalancerEvent(parts, true)],
];

async function invoke(event: unknown, options?: LambdaInvocableOptions): Promise<LambdaHttpResult> {
  return (await lambdaInvocableActivityHandler(HANDLERS, options)(event)) as LambdaHttpResult;
}

/** A header of the result, whichever form it has. */
function header({ headers, multiValueHeaders }: LambdaHttpResult, name: string): string | undefined {
  return headers?.[name] ?? multiValueHeaders?.[name]?.join(", ");
}

function errorOf({ statusCode, body }: LambdaHttpResult): readonly unknown[] {
  return [statusCode, (JSON.parse(body) as { error?: unknown }).error];
}

describe.each(EVENTS)("an event of a %s", (name, toEvent) => {
  it.each([
    ["text", { body: TASK, base64: false }],
    ["base64", { body: TASK, base64: true }],
  ])("carries a task as %s, and its result back as text", async (_, parts) => {
    const result = await invoke(toEvent(parts));
    expect(result).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(header(result, "content-type")).toBe(RESULT_TYPE);
    expect(JSON.parse(result.body)).toMatchObject({
      task: { id: "задача-😀" },
      result: { payload: payloadEnvelope("lamp-7 at 3") },
    });
    expect("statusDescription" in result).toBe(name.startsWith("load balancer"));
  });

  it.each([
    ["no body", null, 400, "invalid_invocable_request"],
    ["an empty body", "", 400, "invalid_invocable_request"],
    ["no JSON", "no", 400, "invalid_invocable_request"],
    ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe), 400, "invalid_invocable_request"],
    ["too much", TASK, 413, "payload_too_large"],
  ])("that carries %s is refused", async (_, body, statusCode, error) => {
    const options = statusCode === 413 ? { bodyLimitBytes: 100 } : {};
    const result = await invoke(toEvent({ body }), options);
    expect(errorOf(result)).toEqual([statusCode, error]);
    expect(header(result, "content-type")).toBe("application/json");
  });

  it("tells the method", async () => {
    const result = await invoke(toEvent({ method: "GET", body: null }));
    expect(errorOf(result)).toEqual([405, "method_not_allowed"]);
    expect(header(result, "allow")).toBe("POST");
    expect(await invoke(toEvent({ method: "GET", body: null }), { health: true })).toMatchObject({ statusCode: 200 });
  });

  it("shows its headers to the gate, by lower-case name", async () => {
    const auth = bearerToken("token");
    const withHeaders = (headers: Record<string, string>) => invoke(toEvent({ headers, body: TASK }), { auth });
    expect(await withHeaders({ authorization: "Bearer token" })).toMatchObject({ statusCode: 200 });
    expect(await withHeaders({ Authorization: "Bearer token" })).toMatchObject({ statusCode: 200 });
    const refused = await withHeaders({ authorization: "Bearer other" });
    expect(errorOf(refused)).toEqual([401, "unauthorized"]);
    expect(header(refused, "www-authenticate")).toContain("Bearer");
    expect(await withHeaders({})).toMatchObject({ statusCode: 401 });
  });

  it("from a browser is refused without a gate", async () => {
    const headers = { origin: "https://evil.test" };
    expect(errorOf(await invoke(toEvent({ headers, body: TASK })))).toEqual([403, "origin_refused"]);
  });
});

describe("headers", () => {
  it("that came twice cannot pass for one", async () => {
    const auth = bearerToken("token");
    const twice = {
      ...restApiEvent({ body: TASK }),
      multiValueHeaders: { Authorization: ["Bearer token", "Bearer x"] },
    };
    expect(await invoke(twice, { auth })).toMatchObject({ statusCode: 401 });
  });

  it.each([
    ["no headers", { headers: null, multiValueHeaders: null }],
    ["headers that are no text", { headers: { a: null, b: 7, c: undefined }, multiValueHeaders: { d: "x", e: null } }],
    ["headers named as what objects inherit", { headers: JSON.parse('{"__proto__":"x","constructor":"y"}') }],
  ])("may be odd: %s", async (_, headers) => {
    expect(await invoke({ ...restApiEvent({ body: TASK }), ...headers })).toMatchObject({ statusCode: 200 });
  });

  it("go back to a load balancer in the form it asked for", async () => {
    const single = await invoke(applicationLoadBalancerEvent({ body: TASK }));
    expect(single).toMatchObject({ statusDescription: "200 OK", headers: { "content-type": RESULT_TYPE } });
    expect(single).not.toHaveProperty("multiValueHeaders");
    const lists = await invoke(applicationLoadBalancerEvent({ body: TASK }, true));
    expect(lists).toMatchObject({
      multiValueHeaders: { "content-type": [RESULT_TYPE] },
    });
    expect(lists).not.toHaveProperty("headers");
  });

  it.each([
    [{ body: "no" }, {}, "400"],
    [{ body: TASK }, { auth: () => false }, "401"],
    [{ body: TASK, headers: { origin: "x" } }, {}, "403"],
    [{ body: TASK, method: "PUT" }, {}, "405"],
    [{ body: TASK }, { bodyLimitBytes: 1 }, "413"],
  ])("of a load balancer come with a status and a word on it: %#", async (parts, options, status) => {
    const result = await invoke(applicationLoadBalancerEvent(parts), options);
    expect(result.statusDescription).toMatch(new RegExp(`^${status} \\w+`));
  });
});

describe("an event of a body alone, or with its encoding", () => {
  it.each<[object, number]>([
    [{ body: TASK }, 200],
    [{ body: ENVELOPE }, 200],
    [{ body: ENVELOPE, isBase64Encoded: true }, 200],
    [{ body: TASK, isBase64Encoded: null }, 200],
    [{ body: {} }, 400],
    [{ body: [ENVELOPE] }, 400],
    [{ body: null }, 400],
    [{}, 400],
    [{ body: TASK, isBase64Encoded: false }, 200],
    [{ body: Buffer.from(TASK).toString("base64"), isBase64Encoded: true }, 200],
    [{ body: "no", isBase64Encoded: false }, 400],
  ])("is served as a POST: %#", async (event, statusCode) => {
    expect(await invoke(event)).toMatchObject({ statusCode });
  });

  it.each([{ body: TASK, isBase64Encoded: false }, { body: TASK }, { body: ENVELOPE }])(
    "does not pass a gate without credentials: %#",
    async (event) => {
      const auth = bearerToken("t");
      expect(await invoke(event, { auth })).toMatchObject({ statusCode: 401 });
      expect(await invoke(event, { auth, allowDirectInvocation: true })).toMatchObject({ statusCode: 401 });
      expect(await invoke({ ...event, headers: { authorization: "Bearer t" } }, { auth })).toMatchObject({
        statusCode: 200,
      });
    },
  );

  it.each([{ eventSource: "aws:sqs", body: TASK }, [{ eventSource: "aws:sqs", body: TASK }]])(
    "is none where a queue sent it: %#",
    async (event) => {
      await expect(invoke(event)).rejects.toThrow('no event with "eventSource"');
    },
  );
});

describe("a header that comes twice", () => {
  it.each([
    [{ headers: { Authorization: "Bearer t", authorization: "Bearer t" } }],
    [{ multiValueHeaders: { Authorization: ["Bearer t", "Bearer x"] } }],
    [{ multiValueHeaders: { Authorization: ["Bearer t"], authorization: ["Bearer t"] } }],
  ])("is none of them: %j", async (headers) => {
    const event = { httpMethod: "POST", body: TASK, isBase64Encoded: false };
    const auth = bearerToken("t");
    expect(await invoke({ ...event, headers: { authorization: "Bearer t" } }, { auth })).toMatchObject({
      statusCode: 200,
    });
    expect(await invoke({ ...event, ...headers }, { auth })).toMatchObject({ statusCode: 401 });
  });
});

describe("a body in base64", () => {
  it.each(["***", "a", "{}"])("that is none is no body: %j", async (body) => {
    const event = { ...httpApiEvent({ body: TASK }), body };
    expect(errorOf(await invoke(event))).toEqual([400, "invalid_invocable_request"]);
  });

  it("is only what says so", async () => {
    const event = httpApiEvent({ body: TASK, base64: true });
    expect(await invoke({ ...event, isBase64Encoded: "true" })).toMatchObject({ statusCode: 400 });
  });
});

describe("a bare envelope as the event", () => {
  it("is answered with the bare result envelope", async () => {
    expect(await lambdaInvocableActivityHandler(HANDLERS)(ENVELOPE)).toMatchObject({
      schema: "durable-workflow.v2.external-task-result",
      task: { id: "задача-😀" },
      outcome: { status: "succeeded" },
    });
    expect(await lambdaInvocableActivityHandler(HANDLERS)(workflowTaskEnvelope())).toMatchObject({
      schema: "durable-workflow.v2.external-task-result",
      failure: { type: "UnsupportedExternalTaskKind" },
    });
  });

  it("gets 400 where it violates the contract", async () => {
    expect(errorOf(await invoke(withField(ENVELOPE, "task.attempt", 0)))).toEqual([400, "invalid_invocable_request"]);
  });

  it("is one whatever other fields it has", async () => {
    const event = { ...ENVELOPE, httpMethod: "GET", body: "x", requestContext: { elb: {}, http: { method: "GET" } } };
    expect(await lambdaInvocableActivityHandler(HANDLERS)(event)).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it.each([
    ["a gate refuses what has no headers", { auth: bearerToken("token") }],
    ["a gate refuses it explicitly", { auth: () => false }],
  ])("does not get past a gate: %s", async (_, options) => {
    expect(errorOf(await invoke(ENVELOPE, options))).toEqual([401, "unauthorized"]);
    const allowed = lambdaInvocableActivityHandler(HANDLERS, { ...options, allowDirectInvocation: true });
    expect(await allowed(ENVELOPE)).toMatchObject({ outcome: { status: "succeeded" } });
    // For direct invocations only: HTTP is still guarded.
    expect(await allowed(httpApiEvent({ body: TASK }))).toMatchObject({ statusCode: 401 });
  });

  it("is shown to the gate as a request without headers, and may pass it", async () => {
    const auth = vi.fn<() => boolean>(() => true);
    const result = await lambdaInvocableActivityHandler(HANDLERS, { auth })(ENVELOPE);
    expect(auth).toHaveBeenCalledExactlyOnceWith({ method: "POST", headers: {} });
    expect(result).toMatchObject({ schema: "durable-workflow.v2.external-task-result", task: { id: "задача-😀" } });
  });
});

describe("an event that is neither", () => {
  it.each([
    ["nothing", undefined],
    ["null", null],
    ["text", TASK],
    ["a number", 7],
    ["a list", [ENVELOPE]],
    ["an empty object", {}],
    ["a websocket message", { requestContext: { connectionId: "c", routeKey: "$default" }, body: TASK }],
    ["a result envelope", { schema: "durable-workflow.v2.external-task-result", version: 1 }],
    ["a method that is no text", { httpMethod: 7, body: TASK }],
    ["a context that is no object", { requestContext: "x", body: TASK }],
  ])("gets 400, and behind a gate 401: %s", async (_, event) => {
    const result = await invoke(event);
    expect(errorOf(result)).toEqual([400, "invalid_invocable_request"]);
    expect(result.headers?.["content-type"]).toBe("application/json");
    expect(errorOf(await invoke(event, { auth: bearerToken("token") }))).toEqual([401, "unauthorized"]);
  });
});

describe("an event that nobody waits for the answer of", () => {
  it.each([
    ["an SQS batch", { Records: [{ body: TASK, eventSource: "aws:sqs" }] }],
    ["a scheduled event", { source: "aws.events", "detail-type": "Scheduled Event", detail: {} }],
    ["records of Kafka", { eventSource: "aws:kafka", records: {} }],
    ["records of a pipe", [{ eventSource: "aws:sqs", body: TASK }]],
    ["log events", { awslogs: { data: "" } }],
    ["records of Firehose", { deliveryStreamArn: "arn:aws:firehose:eu-central-1:1:deliverystream/d", records: [] }],
  ])("is refused by an error, whether there is a gate or none: %s", async (_, event) => {
    await expect(invoke(event)).rejects.toThrow(/^This carrier takes tasks/);
    await expect(invoke(event, { auth: bearerToken("token") })).rejects.toThrow(TypeError);
  });
});

describe("a result that is over what the platform carries", () => {
  const large = { "lamps.dim": () => "x".repeat(5 * 1024 * 1024) };
  const TOO_LARGE = {
    outcome: { status: "failed", retryable: false },
    task: { id: "задача-😀" },
    failure: { type: "ResultTooLarge", message: expect.stringContaining("give the carrier externalStorage") as string },
  };

  it.each([
    ["an HTTP API", httpApiEvent],
    ["a REST API", restApiEvent],
    ["a load balancer", applicationLoadBalancerEvent],
  ])("becomes a failure that says so, for %s", async (_, toEvent) => {
    const { statusCode, body } = (await lambdaInvocableActivityHandler(large)(
      toEvent({ body: TASK }),
    )) as LambdaHttpResult;
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject(TOO_LARGE);
  });

  it("and for a bare envelope", async () => {
    expect(await lambdaInvocableActivityHandler(large)(ENVELOPE)).toMatchObject(TOO_LARGE);
  });

  it("is answered where there is room for it", async () => {
    const fits = { "lamps.dim": () => "x".repeat(4 * 1024 * 1024) };
    expect(await lambdaInvocableActivityHandler(fits)(ENVELOPE)).toMatchObject({ outcome: { status: "succeeded" } });
    const balanced = await lambdaInvocableActivityHandler(fits)(applicationLoadBalancerEvent({ body: TASK }));
    expect(JSON.parse((balanced as LambdaHttpResult).body)).toMatchObject({ failure: { type: "ResultTooLarge" } });
  });

  it("loses the details of a failure, and keeps its words", async () => {
    const fails = {
      "lamps.dim": () => {
        throw new ActivityFailure("no", { type: "Dark", details: "x".repeat(5 * 1024 * 1024) });
      },
    };
    const result = await lambdaInvocableActivityHandler(fails)(ENVELOPE);
    expect(result).toMatchObject({
      outcome: { status: "failed", retryable: true },
      failure: { type: "Dark", message: "no", stack_trace: null, details: { codec: "avro" } },
    });
    expect(JSON.stringify(result).length).toBeLessThan(10_000);
  });
});

/** A task that never ends, at noon. */
function started(remaining: LambdaContextLike, options: LambdaInvocableOptions = {}) {
  const clock = new FakeClock();
  const never = { "lamps.dim": () => new Promise(() => {}) };
  return { clock, result: lambdaInvocableActivityHandler(never, { clock, ...options })(ENVELOPE, remaining) };
}

describe("the function's remaining time", () => {
  it.each([
    ["the default margin", {}, 3000, 2500],
    ["another margin", { timeoutMarginMs: 2000 }, 3000, 1000],
    ["no margin", { timeoutMarginMs: 0 }, 3000, 3000],
  ])("is a deadline, less a margin: %s", async (_, options, remainingMs, expectedMs) => {
    const { clock, result } = started({ getRemainingTimeInMillis: () => remainingMs }, options);
    const settled = vi.fn<() => void>();
    void result.then(settled);
    await clock.advance(expectedMs - 1);
    expect(settled).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(await result).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "deadline_exceeded", message: expect.stringMatching(/^platform_limit passed at /) },
      metadata: { duration_ms: expectedMs },
    });
    expect(clock.liveTimers).toBe(0);
  });

  it("that is less than the margin keeps the handler from running", async () => {
    const { result } = started({ getRemainingTimeInMillis: () => 400 });
    expect(await result).toMatchObject({
      failure: { message: expect.stringContaining("before the handler could start") },
    });
  });

  it.each([
    ["no context", undefined],
    ["a context without it", {}],
    ["a time without end", { getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY }],
  ])("may be unknown: %s", async (_, context) => {
    const result = await lambdaInvocableActivityHandler(HANDLERS)(ENVELOPE, context);
    expect(result).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "500"])("cannot have a margin of %s", (timeoutMarginMs) => {
    const options = { timeoutMarginMs: timeoutMarginMs as number };
    expect(() => lambdaInvocableActivityHandler(HANDLERS, options)).toThrow(TypeError);
  });
});

describe("handleInvocableLambdaEvent", () => {
  it("is the handler, used once", async () => {
    const context = { getRemainingTimeInMillis: () => 100 };
    expect(await handleInvocableLambdaEvent(ENVELOPE, HANDLERS)).toMatchObject({ outcome: { status: "succeeded" } });
    expect(await handleInvocableLambdaEvent(ENVELOPE, HANDLERS, { context })).toMatchObject({
      failure: { classification: "deadline_exceeded" },
    });
    const guarded = await handleInvocableLambdaEvent(httpApiEvent({ body: TASK }), HANDLERS, { auth: () => false });
    expect(guarded).toMatchObject({ statusCode: 401 });
    await expect(handleInvocableLambdaEvent(ENVELOPE, { "": () => 1 })).rejects.toThrow(TypeError);
    await settle();
  });
});

describe("the types of @types/aws-lambda", () => {
  const handler = lambdaInvocableActivityHandler(HANDLERS);

  it("fit what the handler takes", () => {
    expectTypeOf<Context>().toExtend<LambdaContextLike>();
    expectTypeOf<APIGatewayProxyEvent>().toExtend<Parameters<typeof handler>[0]>();
    expectTypeOf<APIGatewayProxyEventV2>().toExtend<Parameters<typeof handler>[0]>();
    expectTypeOf<LambdaFunctionURLEvent>().toExtend<Parameters<typeof handler>[0]>();
    expectTypeOf<ALBEvent>().toExtend<Parameters<typeof handler>[0]>();
    expectTypeOf(handler).toExtend<Handler<unknown, LambdaResult>>();
  });

  it("fit what it returns for an HTTP event", () => {
    expectTypeOf<LambdaHttpResult>().toExtend<APIGatewayProxyResult>();
    expectTypeOf<LambdaHttpResult>().toExtend<APIGatewayProxyStructuredResultV2>();
    expectTypeOf<LambdaHttpResult>().toExtend<ALBResult>();
  });
});
