import { Buffer } from "node:buffer";
import { Agent, createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { type Loopback, listen } from "../../test/support/loopback.js";
import { postHead, RawConnection } from "../../test/support/raw-http.js";
import {
  bearerToken,
  type InvocableAuthGate,
  InvocableHttpEndpoint,
  type InvocableHttpOptions,
} from "../http/index.js";
import { payloadEnvelope } from "../payload/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { nodeInvocableActivityHandler } from "./node.js";

const HANDLERS = { "lamps.dim": (lamp: string, level: number) => `${lamp} at ${level}` };
const TASK = JSON.stringify(activityTaskEnvelope({ task: { id: "задача-😀" } }));
const TASK_LENGTH = Buffer.byteLength(TASK);

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function serve(listener: RequestListener): Promise<Loopback> {
  const server = await listen(createServer(listener));
  open.push(server);
  return server;
}

function carrier(options?: InvocableHttpOptions): Promise<Loopback> {
  return serve(nodeInvocableActivityHandler(HANDLERS, options));
}

function connection(server: Loopback): RawConnection {
  const raw = new RawConnection(server.port);
  open.push({ close: () => raw.socket.destroy() });
  return raw;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Sends a body in pieces, each as a chunk of its own. */
function post(
  server: Loopback,
  body: string | Uint8Array | readonly Uint8Array[],
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string | string[]>;
    readonly agent?: Agent;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(server.url, { method: "POST", ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() });
      });
    });
    sent.once("error", reject);
    for (const piece of Array.isArray(body) ? body : [body]) sent.write(piece);
    sent.end();
  });
}

describe("over HTTP/1.1", () => {
  it("answers a task", async () => {
    const { status, headers, body } = await post(await carrier(), TASK);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "application/vnd.durable-workflow.external-task-result+json",
      "content-length": String(Buffer.byteLength(body)),
    });
    expect(JSON.parse(body)).toMatchObject({
      task: { id: "задача-😀" },
      result: { payload: payloadEnvelope("lamp-7 at 3") },
    });
  });

  it.each([1, 7, 100])("reads a body that comes in chunks of %i bytes", async (size) => {
    const bytes = Buffer.from(TASK);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    const { status, body } = await post(await carrier(), chunks);
    expect([status, JSON.parse(body)]).toMatchObject([200, { task: { id: "задача-😀" } }]);
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "no"],
    ["bytes that are no UTF-8", Buffer.of(0xff, 0xfe)],
    ["a byte order mark", `\ufeff${TASK}`],
  ])("answers 400 to %s", async (_, body) => {
    const answer = await post(await carrier(), body);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { error: "invalid_invocable_request" }]);
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  it.each(["GET", "HEAD", "PUT", "OPTIONS"])("answers 405 to %s", async (method) => {
    const { status, headers } = await post(await carrier(), "", { method });
    expect([status, headers.allow]).toEqual([405, "POST"]);
  });

  it("reads as many bytes as the limit", async () => {
    expect((await post(await carrier({ bodyLimitBytes: TASK_LENGTH }), TASK)).status).toBe(200);
    const { status, body } = await post(await carrier({ bodyLimitBytes: TASK_LENGTH - 1 }), TASK);
    expect([status, JSON.parse(body)]).toMatchObject([413, { error: "payload_too_large" }]);
  });

  it("answers 413 while the rest of the body is still being sent", async () => {
    const raw = connection(await carrier({ bodyLimitBytes: 1000 }));
    raw.send(postHead(1_000_000));
    raw.send("x".repeat(2000));
    expect(await raw.statusCodes(1)).toEqual([413]);

    // Whoever goes on sending is listened to, and may use the connection again.
    raw.send("x".repeat(998_000));
    raw.send(postHead(TASK_LENGTH) + TASK);
    expect(await raw.statusCodes(2)).toEqual([413, 200]);
  });

  it("answers 413 by the head, to one who waits for a word before it sends", async () => {
    const raw = connection(await carrier({ bodyLimitBytes: 1000 }));
    raw.send(postHead(1001, "Expect: 100-continue"));
    await expect.poll(() => raw.received).toContain("HTTP/1.1 413");
    const plain = connection(await carrier({ bodyLimitBytes: 1000 }));
    plain.send(postHead(1001));
    expect(await plain.statusCodes(1)).toEqual([413]);
  });

  it("answers 503 by the head where there is no room, and goes on with the connection", async () => {
    const options = { bodyLimitBytes: TASK_LENGTH, maxConcurrentBodyBytes: TASK_LENGTH };
    let finish!: () => void;
    const running = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const begun = vi.fn<() => Promise<void>>(() => running);
    const server = await serve(nodeInvocableActivityHandler({ "lamps.dim": begun }, options));
    const first = connection(server);
    first.send(postHead(TASK_LENGTH) + TASK);
    await expect.poll(() => begun).toHaveBeenCalled();
    const second = connection(server);
    second.send(postHead(TASK_LENGTH));
    expect(await second.statusCodes(1)).toEqual([503]);
    expect(second.received).toMatch(/retry-after: 1\r\n/i);
    finish();
    expect(await first.statusCodes(1)).toEqual([200]);
    second.send(TASK + postHead(TASK_LENGTH) + TASK);
    expect(await second.statusCodes(2)).toEqual([503, 200]);
  });

  it("refuses two Authorization headers, whichever is right", async () => {
    const server = await carrier({ auth: bearerToken("right") });
    for (const [names, status] of [
      [["Bearer right"], 200],
      [["Bearer right", "Bearer right"], 401],
      [["Bearer right", "Bearer wrong"], 401],
      [["Bearer wrong", "Bearer right"], 401],
    ] as const) {
      const raw = connection(server);
      raw.send(postHead(TASK_LENGTH, ...names.map((value) => `Authorization: ${value}`)) + TASK);
      expect(await raw.statusCodes(1)).toEqual([status]);
    }
  });

  it("hears several headers of one name as one that is none of them", async () => {
    const auth = vi.fn<InvocableAuthGate>(() => true);
    const headers = { "X-Key": ["a", "b"], Cookie: ["c", "d"], "Set-Cookie": ["e", "f"] };
    await post(await carrier({ auth }), TASK, { headers });
    expect(auth.mock.calls[0]?.[0]).toMatchObject({
      method: "POST",
      headers: { "x-key": "a, b", cookie: "c; d", "set-cookie": "e, f" },
    });
  });

  it("takes the first of two credentials, as Node does", async () => {
    const raw = connection(await carrier({ auth: bearerToken("token") }));
    raw.send(postHead(TASK_LENGTH, "Authorization: Bearer other", "Authorization: Bearer token") + TASK);
    expect(await raw.statusCodes(1)).toEqual([401]);
  });
});

describe("a connection that is kept alive", () => {
  it.each([
    ["401", { auth: bearerToken("token") }, {}, 401],
    ["403", {}, { origin: "https://evil.test" }, 403],
    ["413", { bodyLimitBytes: 1_000_000 }, {}, 413],
  ])("serves the next request after a %s that left its body unread", async (_, options, headers, status) => {
    const server = await carrier(options);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    open.push({ close: () => agent.destroy() });
    const ports = new Set<number | undefined>();
    agent.on("free", (socket: { address(): AddressInfo }) => ports.add(socket.address().port));

    const refused = await post(server, Buffer.alloc(1_500_000), { agent, headers });
    expect(refused.status).toBe(status);
    const served = await post(server, TASK, { agent, headers: { authorization: "Bearer token" } });
    expect(served.status).toBe(200);
    expect(ports.size).toBe(1);
  });

  it("serves requests that are sent without waiting", async () => {
    const raw = connection(await carrier());
    raw.send((postHead(TASK_LENGTH) + TASK).repeat(3));
    expect(await raw.statusCodes(3)).toEqual([200, 200, 200]);
  });
});

/** A carrier whose one activity runs until it is let go. */
async function holding() {
  const logger = recordingLogger();
  let letGo!: () => void;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const running = vi.fn<() => Promise<void>>(() => released);
  const server = await serve(nodeInvocableActivityHandler({ "lamps.dim": running }, { logger }));
  return { server, running, letGo, logger };
}

describe("a client that goes away", () => {
  it("ends the run: what the handler says afterwards is dropped", async () => {
    const { server, running, letGo, logger } = await holding();
    const raw = connection(server);
    raw.send(postHead(TASK_LENGTH) + TASK);
    await expect.poll(() => running).toHaveBeenCalledTimes(1);
    raw.drop();
    // Only once the server knows.
    await server.connections(0);
    letGo();
    await expect.poll(() => logger.lines).toHaveLength(1);
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { task_id: "задача-😀" } }]);
    expect(raw.received).toBe("");
  });

  it("does not end the run of one that stays", async () => {
    const { server, running, letGo, logger } = await holding();
    const raw = connection(server);
    raw.send(postHead(TASK_LENGTH) + TASK);
    await expect.poll(() => running).toHaveBeenCalledTimes(1);
    letGo();
    expect(await raw.statusCodes(1)).toEqual([200]);
    expect(logger.lines).toEqual([]);
  });

  it("before its body is complete starts nothing", async () => {
    const { server, running } = await holding();
    const raw = connection(server);
    raw.send(postHead(TASK_LENGTH) + TASK.slice(0, 100));
    await server.connections(1);
    raw.drop();
    await server.connections(0);
    expect(running).not.toHaveBeenCalled();
    expect((await post(await carrier(), TASK)).status).toBe(200);
  });

  it("while the gate decides starts nothing, and leaves nothing open", async () => {
    let decide!: (passes: boolean) => void;
    const decision = new Promise<boolean>((resolve) => {
      decide = resolve;
    });
    const asked = vi.fn<InvocableAuthGate>(() => decision);
    const running = vi.fn<() => void>();
    const handled = vi.spyOn(InvocableHttpEndpoint.prototype, "handle");
    const server = await serve(nodeInvocableActivityHandler({ "lamps.dim": running }, { auth: asked }));
    const raw = connection(server);
    raw.send(postHead(TASK_LENGTH) + TASK);
    await expect.poll(() => asked).toHaveBeenCalled();
    raw.drop();
    await server.connections(0);
    decide(true);
    expect(await handled.mock.results[0]?.value).toMatchObject({ statusCode: 500 });
    handled.mockRestore();
    expect(running).not.toHaveBeenCalled();
  });
});
