import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { settle } from "../../test/support/fake-clock.js";
import { bearerToken, type InvocableHttpOptions } from "../http/index.js";
import { payloadEnvelope } from "../payload/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { fetchInvocableActivityHandler } from "./fetch.js";

const HANDLERS = { "lamps.dim": (lamp: string, level: number) => `${lamp} at ${level}` };
const TASK = JSON.stringify(activityTaskEnvelope({ task: { id: "задача-😀" } }));
const TASK_BYTES = new TextEncoder().encode(TASK);

function serve(request: Request, options?: InvocableHttpOptions): Promise<Response> {
  return fetchInvocableActivityHandler(HANDLERS, options)(request);
}

function post(body: NonNullable<RequestInit["body"]> | null, init: RequestInit = {}): Request {
  return new Request("https://carrier.test/any/path?query=1", { method: "POST", body, duplex: "half", ...init });
}

/** A body that comes in pieces, and says how many were asked for and whether the rest was called off. */
function streamed(chunks: readonly (Uint8Array | Error)[]) {
  const seen = { pulled: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[seen.pulled++];
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else controller.enqueue(chunk);
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

function pieces(bytes: Uint8Array, size: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.slice(at * size, (at + 1) * size));
}

describe("fetchInvocableActivityHandler", () => {
  it("turns a Request into a Response", async () => {
    const response = await serve(post(TASK));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/vnd.durable-workflow.external-task-result+json");
    expect(await response.json()).toMatchObject({
      task: { id: "задача-😀" },
      result: { payload: payloadEnvelope("lamp-7 at 3") },
    });
  });

  it.each([1, 2, 3, 7, 100, 100_000])("reads a body that comes in pieces of %i bytes", async (size) => {
    const { stream } = streamed(pieces(TASK_BYTES, size));
    const response = await serve(post(stream));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ task: { id: "задача-😀" } });
  });

  it.each([
    ["no body", null],
    ["an empty body", ""],
    ["no JSON", "no"],
    ["bytes that are no UTF-8", Uint8Array.of(0xff)],
    ["text that is cut off within a character", TASK_BYTES.slice(0, TASK_BYTES.indexOf(0xd0) + 1)],
    ["a byte order mark", `\ufeff${TASK}`],
  ])("answers 400 to %s", async (_, body) => {
    const response = await serve(post(body));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: "invalid_invocable_request" });
  });

  it("says so when the body breaks off", async () => {
    const { stream } = streamed([TASK_BYTES.slice(0, 50), new Error("reset by 10.0.0.7")]);
    const response = await serve(post(stream));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("10.0.0.7");
  });

  it("says so when somebody else has read the body, or is about to", async () => {
    const used = post(TASK);
    await used.text();
    const locked = post(TASK);
    locked.body?.getReader();
    for (const request of [used, locked]) {
      const response = await serve(request);
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ message: expect.stringContaining("was read before this adapter") });
    }
  });

  it("serves a request without signal and without streams, as some platforms have them", async () => {
    const { method, headers } = post(TASK);
    const plain = { method, headers, bodyUsed: false, text: () => Promise.resolve(TASK) } as unknown as Request;
    expect((await serve(plain)).status).toBe(200);
  });

  it.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("answers 405 to %s", async (method) => {
    const response = await serve(new Request("https://carrier.test/", { method }));
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
  });

  it("reads no body of a request that is refused, but to drop it", async () => {
    const { stream, seen } = streamed([TASK_BYTES]);
    const refused = await serve(post(stream), { auth: bearerToken("token") });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toContain("Bearer");
    await settle();
    expect(seen.pulled).toBeGreaterThan(0);
    expect(seen.cancelled).toBe(false);

    const authorized = post(streamed([TASK_BYTES]).stream, { headers: { Authorization: "Bearer token" } });
    expect((await serve(authorized, { auth: bearerToken("token") })).status).toBe(200);
  });

  it("refuses a browser's request", async () => {
    expect((await serve(post(TASK, { headers: { origin: "https://evil.test" } }))).status).toBe(403);
  });

  it("reads as many bytes as the limit, and drops the rest after the answer", async () => {
    const chunks = pieces(TASK_BYTES, 100);
    const exact = await serve(post(streamed(chunks).stream), { bodyLimitBytes: TASK_BYTES.length });
    expect(exact.status).toBe(200);

    const { stream, seen } = streamed(chunks);
    const response = await serve(post(stream), { bodyLimitBytes: 250 });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: "payload_too_large" });
    await settle();
    expect(seen.pulled).toBeGreaterThanOrEqual(chunks.length);
    expect(seen.cancelled).toBe(false);
  });

  it("throws for bad handlers and options when it is made", () => {
    expect(() => fetchInvocableActivityHandler({ "lamps.dim": 7 as never })).toThrow(TypeError);
    expect(() => fetchInvocableActivityHandler(HANDLERS, { bodyLimitBytes: 0 })).toThrow(TypeError);
  });
});

describe("a client that goes away", () => {
  it("ends the run, as a failure that may be retried", async () => {
    const client = new AbortController();
    const answer = fetchInvocableActivityHandler({ "lamps.dim": () => new Promise(() => {}) })(
      post(TASK, { signal: client.signal }),
    );
    await settle();
    client.abort();
    expect(await (await answer).json()).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "application_error", type: "CallerDisconnected" },
    });
  });

  it("before the start keeps the handler from running", async () => {
    const handler = vi.fn<() => void>();
    const answer = await fetchInvocableActivityHandler({ "lamps.dim": handler })(
      post(TASK, { signal: AbortSignal.abort() }),
    );
    expect(await answer.json()).toMatchObject({ failure: { type: "CallerDisconnected" } });
    expect(handler).not.toHaveBeenCalled();
  });

  it("changes nothing after the answer, and no listener of the run stays on its signal", async () => {
    const logger = recordingLogger();
    const client = new AbortController();
    const request = post(TASK, { signal: client.signal });
    const before = getEventListeners(request.signal, "abort").length;
    const response = await serve(request, { logger });
    client.abort();
    await settle();
    expect(await response.json()).toMatchObject({ outcome: { status: "succeeded" } });
    expect(getEventListeners(request.signal, "abort").length).toBeLessThanOrEqual(before + 1);
    expect(logger.lines).toEqual([]);
  });
});
