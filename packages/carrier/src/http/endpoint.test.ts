import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope, withField, workflowTaskEnvelope } from "../../test/support/envelopes.js";
import { FakeClock } from "../../test/support/fake-clock.js";
import { ActivityCancelled, InvocableActivityHandler, type InvocableHandler } from "../activity/index.js";
import { payloadEnvelope } from "../payload/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import {
  bearerToken,
  DEFAULT_BODY_LIMIT_BYTES,
  handleInvocableHttpRequest,
  InvocableBodyError,
  InvocableHttpEndpoint,
  type InvocableHttpOptions,
  type InvocableHttpRequest,
  type InvocableRequestBody,
} from "./index.js";

const HANDLERS = { "lamps.dim": (lamp: string, level: number) => `${lamp} at ${level}` };
const TASK = JSON.stringify(activityTaskEnvelope());
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function endpoint(options: InvocableHttpOptions = {}): InvocableHttpEndpoint {
  return new InvocableHttpEndpoint(HANDLERS, { clock: new FakeClock(), ...options });
}

function post(changes: Partial<InvocableHttpRequest> = {}): InvocableHttpRequest {
  return { method: "POST", headers: {}, body: () => Promise.resolve(TASK), ...changes };
}

const RESULT_HEADERS = {
  "content-type": "application/vnd.durable-workflow.external-task-result+json",
};
const ERROR_HEADERS = { "content-type": "application/json" };

/** An answer of that status, with a JSON error of that code and some message. */
function refusal(statusCode: number, error: string, headers: Record<string, string> = {}) {
  return {
    statusCode,
    headers: { ...ERROR_HEADERS, ...headers },
    body: expect.stringMatching(new RegExp(`^\\{"error":"${error}","message":"[^"].*"\\}$`)),
  };
}

const INVALID = refusal(400, "invalid_invocable_request");

describe("a task", () => {
  it.each([
    ["as text", TASK],
    ["as bytes", bytesOf(TASK)],
    ["as a Buffer", Buffer.from(TASK)],
    ["as bytes within other memory", new Uint8Array(Buffer.from(`xx${TASK}yy`)).subarray(2, -2)],
    ["parsed", activityTaskEnvelope()],
    ["in another layout", `\n${JSON.stringify(activityTaskEnvelope(), null, 2)}\r\n`],
  ])("is answered with 200 and a result envelope, whichever way it comes: %s", async (_, body) => {
    const response = await endpoint().handle(post({ body: () => Promise.resolve(body) }));
    expect(response).toMatchObject({ statusCode: 200, headers: RESULT_HEADERS });
    expect(response.json()).toMatchObject({
      outcome: { status: "succeeded" },
      task: { id: "task-lamp-7", attempt: 2 },
      result: { payload: payloadEnvelope("lamp-7 at 3") },
    });
    expect(JSON.parse(response.body)).toEqual(response.json());
  });

  it.each([
    ["a workflow task", workflowTaskEnvelope()],
    ["an activity that nobody registered", activityTaskEnvelope({ task: { handler: "x" } })],
    ["a lease that is over", activityTaskEnvelope({ lease: { expires_at: "1970-01-01T00:00:00Z" } })],
    ["arguments that do not decode", activityTaskEnvelope({ payloads: { arguments: { codec: "avro", blob: "*" } } })],
    ["headers as PHP writes none", activityTaskEnvelope({ headers: [] })],
  ])("is answered with 200 even for %s", async (_, envelope) => {
    const response = await endpoint().answer(JSON.stringify(envelope));
    expect(response).toMatchObject({ statusCode: 200, headers: RESULT_HEADERS });
    expect(response.json()).toMatchObject({ task: { id: envelope.task.id, kind: envelope.task.kind } });
  });

  it("is run by a handler that was made before, with its own options", async () => {
    const handler = new InvocableActivityHandler(HANDLERS, { carrier: "cellar", clock: new FakeClock() });
    const response = await new InvocableHttpEndpoint(handler, { carrier: "attic" }).handle(post());
    expect(response.json()).toMatchObject({ metadata: { carrier: "cellar" } });
  });

  it("is ended by the request's signal and by its platform limit", async () => {
    const caller = new AbortController();
    const never = new InvocableHttpEndpoint({ "lamps.dim": () => new Promise(() => {}) }, { clock: new FakeClock() });
    const aborted = never.handle(post({ signal: caller.signal }));
    caller.abort(new ActivityCancelled());
    expect((await aborted).json()).toMatchObject({ failure: { classification: "cancelled" } });
    const late = await never.handle(post({ remainingMs: 0 }));
    expect(late.json()).toMatchObject({ failure: { classification: "deadline_exceeded" } });
  });
});

describe("a body that no task can be read from", () => {
  const BODIES: readonly (readonly [string, InvocableRequestBody])[] = [
    ["nothing", ""],
    ["no bytes", new Uint8Array(0)],
    ["blanks", " \n"],
    ["no JSON", "<html></html>"],
    ["half of it", TASK.slice(0, 200)],
    ["two of it", TASK + TASK],
    ["a byte order mark before it", `\ufeff${TASK}`],
    ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe)],
    ["a text that is no UTF-8", withBrokenText()],
    ["UTF-16", Buffer.from(TASK, "utf16le")],
    ["compressed JSON", gzipSync(TASK)],
    ["null", "null"],
    ["a number", "7"],
    ["a list", "[]"],
    ["a list of tasks", `[${TASK}]`],
    ["an object", "{}"],
    ["an empty object, parsed", {}],
    ["a list, parsed", []],
    ["JSON nested without end", "[".repeat(1_000_000)],
    ["an id that is no text", JSON.stringify(withField(activityTaskEnvelope(), "task.id", 7))],
    ["another schema", JSON.stringify(withField(activityTaskEnvelope(), "schema", "x"))],
    ["attempt 0", JSON.stringify(withField(activityTaskEnvelope(), "task.attempt", 0))],
    ["attempt true", JSON.stringify(withField(activityTaskEnvelope(), "task.attempt", true))],
  ];

  it.each(BODIES)("is answered with 400: %s", async (_, body) => {
    expect(await endpoint().answer(body)).toMatchObject(INVALID);
    expect(await endpoint().handle(post({ body: () => Promise.resolve(body) }))).toMatchObject(INVALID);
    expect(await handleInvocableHttpRequest(body, HANDLERS)).toMatchObject(INVALID);
  });

  it.each([
    ["reading it fails", Object.assign(new Error("10.0.0.7"), { code: "ECONNRESET" }), 500, "(Error ECONNRESET)"],
    ["reading it fails with nothing said", undefined, 500, "(undefined)"],
    ["something else has read it", new InvocableBodyError("consumed", "read by a parser"), 500, "read by a parser"],
    ["a framework limits it", Object.assign(new Error("10.0.0.7"), { status: 413 }), 413, "of the platform"],
    ["its platform limits it", Object.assign(new Error("10.0.0.7"), { statusCode: 413 }), 413, "of the platform"],
  ])("is answered with the true reason, which is logged, when %s", async (_, error, statusCode, said) => {
    const logger = recordingLogger();
    const response = await endpoint({ logger }).handle(post({ body: () => Promise.reject(error) }));
    const code = statusCode === 413 ? "payload_too_large" : "request_body_unavailable";
    expect(response).toMatchObject(refusal(statusCode, code));
    expect(response.body).toContain(said);
    expect(logger.lines).toEqual([
      expect.objectContaining({ level: "error", fields: { reason: expect.stringContaining(said) } }),
    ]);
    expect(JSON.stringify([response, logger.lines])).not.toContain("10.0.0.7");
  });

  it("is answered with 415, when it is compressed", async () => {
    const headers = { "content-encoding": "gzip" };
    const zipped = () => Promise.resolve(gzipSync(TASK));
    const response = await endpoint().handle(post({ headers, body: zipped }));
    expect(response).toMatchObject(refusal(415, "unsupported_content_encoding", { "accept-encoding": "identity" }));
    expect(response.json()).toMatchObject({ message: expect.stringContaining("Content-Encoding") });
    const notText = () => Promise.reject(new InvocableBodyError("not_utf8", "no text"));
    expect(await endpoint().handle(post({ headers, body: notText }))).toMatchObject({ statusCode: 415 });
    // A platform that has undone it leaves the header.
    expect(await endpoint().handle(post({ headers }))).toMatchObject({ statusCode: 200 });
    const identity = { "content-encoding": "identity" };
    expect(await endpoint().handle(post({ headers: identity, body: zipped }))).toMatchObject(INVALID);
  });

  it.each([
    ["brackets", "[".repeat(4_000_000) + "]".repeat(4_000_000), "nests deeper than 256 levels"],
    ["empty maps", `[${"{},".repeat(2_000_000)}{}]`, "more than 100000 values"],
    ["keys", `{${Array.from({ length: 700_000 }, (_, index) => `"${index}":1`).join(",")}}`, "more than 100000 values"],
    ["brackets after escaped quotes", `["${'\\"'.repeat(50_000)}\\\\",${"[".repeat(10_000)}`, "nests deeper"],
  ])("is answered with 400 before it is parsed when it is %s", async (_, text, excess) => {
    const parse = vi.spyOn(JSON, "parse");
    const response = await endpoint().answer(text);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
    expect(response).toMatchObject(INVALID);
    expect(response.json()).toMatchObject({ message: expect.stringContaining(excess) });
  });

  it("is parsed where what looks like too much stands in a text", async () => {
    const note = `${"[{,".repeat(100_000)}\\"[[[\\`;
    const response = await endpoint().answer(JSON.stringify({ ...activityTaskEnvelope(), note }));
    expect(response.statusCode).toBe(200);
  });

  it("is parsed however deep it nests, where it is small", async () => {
    const deep = JSON.stringify({ ...activityTaskEnvelope(), headers: { x: 0, note: "x".repeat(5000) } });
    const body = deep.replace('"x":0', `"x":${"[".repeat(1000)}${"]".repeat(1000)}`);
    expect(await endpoint().answer(body)).toMatchObject({ statusCode: 200 });
  });

  it("is answered with 400 when there is none", async () => {
    expect(await handleInvocableHttpRequest(undefined, HANDLERS)).toMatchObject(INVALID);
    expect(await endpoint().answer(undefined)).toMatchObject(INVALID);
  });

  it("is answered with 400 when it is no JSON at all, but an object whose getters throw", async () => {
    const document = {
      get schema(): string {
        throw new Error("s3cret");
      },
    };
    const response = await new InvocableHttpEndpoint({}).answer(document);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      error: "invalid_invocable_request",
      message: "The request body is no JSON in UTF-8.",
    });
  });

  it("is told which field is wrong, and not what stood there", async () => {
    const envelope = withField(activityTaskEnvelope(), "payloads.arguments", "s3cret");
    expect((await endpoint().answer(JSON.stringify(envelope))).json()).toEqual({
      error: "invalid_invocable_request",
      message: "payloads.arguments must be an object or null, got a string",
    });
    const broken = await endpoint().answer('{"password":"s3cret",}');
    expect(broken.body).not.toContain("s3cret");
  });
});

describe("a method", () => {
  it.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", ""])(
    "other than POST gets 405: %s",
    async (method) => {
      const body = vi.fn<InvocableHttpRequest["body"]>();
      expect(await endpoint().handle(post({ method, body }))).toMatchObject(
        refusal(405, "method_not_allowed", { allow: "POST" }),
      );
      expect(body).not.toHaveBeenCalled();
    },
  );

  it("GET answers a small document where that is enabled, without asking the gate", async () => {
    const auth = vi.fn<() => boolean>(() => false);
    const guarded = endpoint({ health: true, carrier: "cellar", auth });
    expect(await guarded.handle(post({ method: "GET", headers: { origin: "https://a.test" } }))).toMatchObject({
      statusCode: 200,
      headers: ERROR_HEADERS,
      body: '{"status":"ok","carrier":"cellar"}',
    });
    expect(auth).not.toHaveBeenCalled();
    expect(await guarded.handle(post({ method: "PUT" }))).toMatchObject(
      refusal(405, "method_not_allowed", { allow: "GET, HEAD, POST" }),
    );
    expect(await guarded.handle(post())).toMatchObject({ statusCode: 401 });
  });
});

describe("health", () => {
  it("is asked by HEAD too, and is 503 once the handler was shut down", async () => {
    const handler = new InvocableActivityHandler(HANDLERS, { carrier: "cellar" });
    const healthy = new InvocableHttpEndpoint(handler, { health: true });
    expect(await healthy.handle(post({ method: "HEAD" }))).toMatchObject({ statusCode: 200, body: "" });
    await handler.shutdown();
    expect(await healthy.handle(post({ method: "GET" }))).toMatchObject({
      statusCode: 503,
      body: '{"status":"stopping","carrier":"cellar"}',
    });
    expect(await healthy.handle(post({ method: "HEAD" }))).toMatchObject({ statusCode: 503, body: "" });
  });
});

describe("a browser's request", () => {
  it.each(["https://evil.test", "null", ""])("is refused where there is no gate: Origin %j", async (origin) => {
    const body = vi.fn<InvocableHttpRequest["body"]>();
    const response = await endpoint().handle(post({ headers: { origin }, body }));
    expect(response).toMatchObject(refusal(403, "origin_refused"));
    expect(body).not.toHaveBeenCalled();
  });

  it("passes a gate as any other does", async () => {
    const guarded = endpoint({ auth: ({ headers }) => headers["origin"] === "https://console.test" });
    expect(guarded.guarded).toBe(true);
    expect(endpoint().guarded).toBe(false);
    const from = (origin: string) => guarded.handle(post({ headers: { origin } }));
    expect(await from("https://console.test")).toMatchObject({ statusCode: 200 });
    expect(await from("https://evil.test")).toMatchObject({ statusCode: 401 });
  });
});

describe("the body limit", () => {
  const size = TASK.length;

  it.each([
    ["one byte more than the body", size + 1, 200],
    ["exactly the body", size, 200],
    ["one byte less", size - 1, 413],
    ["one byte", 1, 413],
  ])("holds to the byte: it is %s", async (_, bodyLimitBytes, statusCode) => {
    for (const body of [TASK, bytesOf(TASK)]) {
      const response = await endpoint({ bodyLimitBytes }).answer(body);
      expect(response.statusCode).toBe(statusCode);
      if (statusCode === 413) expect(response).toMatchObject(refusal(413, "payload_too_large"));
    }
  });

  it("is handed to whoever reads the body, who may give up early", async () => {
    const body = vi.fn<InvocableHttpRequest["body"]>(() => Promise.resolve(undefined));
    const response = await endpoint({ bodyLimitBytes: 123 }).handle(post({ body }));
    expect(response).toMatchObject(refusal(413, "payload_too_large"));
    expect(body).toHaveBeenCalledExactlyOnceWith(123, expect.any(Function));
  });

  it("is 8 MiB unless said otherwise", async () => {
    expect(DEFAULT_BODY_LIMIT_BYTES).toBe(8 * 1024 * 1024);
    const [most, tooMuch] = [0, 1].map((more) => bytesOf(TASK.padEnd(DEFAULT_BODY_LIMIT_BYTES + more)));
    expect((await endpoint().answer(most ?? "")).statusCode).toBe(200);
    expect((await endpoint().answer(tooMuch ?? "")).statusCode).toBe(413);
  });

  it("holds for what somebody else has parsed", async () => {
    expect((await endpoint({ bodyLimitBytes: size }).answer(activityTaskEnvelope())).statusCode).toBe(200);
    expect((await endpoint({ bodyLimitBytes: size - 1 }).answer(activityTaskEnvelope())).statusCode).toBe(413);
  });

  it("holds by the head already", async () => {
    const body = vi.fn<InvocableHttpRequest["body"]>();
    const headers = { "content-length": String(size + 1) };
    expect(await endpoint({ bodyLimitBytes: size }).handle(post({ headers, body }))).toMatchObject({ statusCode: 413 });
    expect(body).not.toHaveBeenCalled();
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null])("cannot be %s", (bodyLimitBytes) => {
    const make = () => endpoint({ bodyLimitBytes: bodyLimitBytes as number });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/^bodyLimitBytes must be an integer >= 1/);
  });
});

describe("a handler of somebody else's making", () => {
  const inner = new InvocableActivityHandler(HANDLERS, { carrier: "inner", clock: new FakeClock() });
  const { carrier, activityTypes } = inner;

  it("takes the tasks, with what the request knows beside the envelope", async () => {
    const seen: unknown[] = [];
    const routing: InvocableHandler = {
      carrier,
      activityTypes,
      handle(envelope, options) {
        seen.push(options?.remainingMs);
        return inner.handle(envelope, options);
      },
    };
    const response = await new InvocableHttpEndpoint(routing).handle(post({ remainingMs: 5000 }));
    expect(response.json()).toMatchObject({ outcome: { status: "succeeded" }, metadata: { carrier: "inner" } });
    expect(seen).toEqual([5000]);
  });

  it("is asked whether it is shutting down, where it can say so", async () => {
    const handle = () => Promise.reject(new Error());
    const health = async (handler: InvocableHandler) =>
      new InvocableHttpEndpoint(handler, { health: true }).handle(post({ method: "GET" }));
    expect(await health({ carrier: "a", activityTypes, handle })).toMatchObject({ statusCode: 200 });
    expect(await health({ carrier: "a", activityTypes, handle, isShutDown: true })).toMatchObject({ statusCode: 503 });
  });

  it("costs a retry, and not the task, when it fails", async () => {
    const logger = recordingLogger();
    const handle = () => Promise.reject(new TypeError("fetch failed: token abc"));
    const response = await new InvocableHttpEndpoint({ carrier, activityTypes, handle }, { logger }).handle(post());
    expect(response).toMatchObject(refusal(502, "handler_failed"));
    expect(response.body).not.toContain("abc");
    expect(logger.lines).toMatchObject([{ level: "error", fields: { error: "TypeError" } }]);
  });

  it("is not taken for one when it is an activity that is named handle", async () => {
    const answer = await new InvocableHttpEndpoint({ handle: () => 1, carrier: () => 2 }).handle(
      post({
        body: () => Promise.resolve(JSON.stringify(withField(activityTaskEnvelope(), "task.handler", "handle"))),
      }),
    );
    expect(answer.json()).toMatchObject({ outcome: { status: "succeeded" } });
  });
});

describe("constructing", () => {
  it("refuses what the handler refuses", async () => {
    expect(() => new InvocableHttpEndpoint({ "lamps.dim": 7 as never })).toThrow(TypeError);
    expect(() => endpoint({ carrier: "" })).toThrow(TypeError);
    await expect(handleInvocableHttpRequest(TASK, { "": () => 1 })).rejects.toThrow(TypeError);
  });

  // `auth: gateOf(process.env.TOKEN)` that comes out undefined must not open the door.
  it.each([[undefined], [null], [false], ["token"], [{}]])("refuses a gate that is %j", (auth) => {
    expect(() => endpoint({ auth: auth as never })).toThrow(TypeError);
    expect(() => endpoint({ auth: auth as never })).toThrow(/^auth must be a function/);
  });
});

describe("secrets", () => {
  it("stand in no answer", async () => {
    const auth = bearerToken("s3cret-token");
    const authorized = { authorization: "Bearer s3cret-token", cookie: "session=s3cret-cookie" };
    const requests = [
      post({ headers: authorized }),
      post({ headers: { authorization: "Bearer s3cret-other", cookie: "session=s3cret-cookie" } }),
      post({ headers: authorized, method: "PUT" }),
      post({ headers: authorized, body: () => Promise.resolve('{"s3cret":') }),
      post({ headers: authorized, body: () => Promise.resolve('{"schema":1,"task":"s3cret"}') }),
      post({ headers: authorized, body: () => Promise.reject(new Error("s3cret")) }),
      post({ headers: authorized, body: () => Promise.resolve(undefined) }),
    ];
    for (const request of requests) {
      const { statusCode, headers, body } = await endpoint({ auth }).handle(request);
      expect(`${statusCode} ${JSON.stringify(headers)} ${body}`).not.toContain("s3cret");
    }
  });
});

/** The task, with a byte that is no UTF-8 in its id. */
function withBrokenText(): Uint8Array {
  const bytes = bytesOf(TASK);
  bytes[TASK.indexOf("task-lamp-7")] = 0xff;
  return bytes;
}
