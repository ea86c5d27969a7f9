import { Buffer } from "node:buffer";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type OutgoingHttpHeaders,
} from "node:http2";
import { afterEach, describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { listen } from "../../test/support/loopback.js";
import { bearerToken, type InvocableAuthGate, type InvocableHttpOptions } from "../http/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { nodeInvocableActivityHandler } from "./node.js";

const HANDLERS = { "lamps.dim": (lamp: string, level: number) => `${lamp} at ${level}` };
const TASK = JSON.stringify(activityTaskEnvelope({ task: { id: "задача-😀" } }));

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function sessionWith(listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void) {
  const server = await listen(createServer(listener));
  const session = connect(server.url);
  open.push({ close: () => session.destroy() }, server);
  return session;
}

function carrier(options?: InvocableHttpOptions): Promise<ClientHttp2Session> {
  return sessionWith(nodeInvocableActivityHandler(HANDLERS, options));
}

/** One stream of a session: what is sent, and what comes back. */
function post(to: ClientHttp2Session, body: string | Uint8Array, headers: OutgoingHttpHeaders = {}) {
  const stream = to.request({ ":method": "POST", ":path": "/invoke", ...headers });
  stream.end(body);
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      stream.once("error", reject);
      stream.once("response", (received) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.once("end", () => {
          resolve({ status: received[":status"], headers: received, body: Buffer.concat(chunks).toString() });
        });
      });
    },
  );
}

describe("over HTTP/2", () => {
  it("answers tasks, several at once over one connection", async () => {
    const to = await carrier();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(to, TASK)));
    for (const { status, headers, body } of answers) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        "content-type": "application/vnd.durable-workflow.external-task-result+json",
        "content-length": String(Buffer.byteLength(body)),
      });
      expect(JSON.parse(body)).toMatchObject({ task: { id: "задача-😀" }, outcome: { status: "succeeded" } });
    }
  });

  it.each([
    ["no JSON", "no", {}, 400],
    ["another method", "", { ":method": "PUT" }, 405],
    ["a browser's request", TASK, { origin: "https://evil.test" }, 403],
    ["too much", Buffer.alloc(1_500_000), {}, 413],
  ])("refuses %s, and serves the next task", async (_, body, headers, status) => {
    const to = await carrier({ bodyLimitBytes: 1_000_000 });
    expect((await post(to, body, headers)).status).toBe(status);
    expect((await post(to, TASK)).status).toBe(200);
  });

  it("asks the gate before it reads", async () => {
    const to = await carrier({ auth: bearerToken("token") });
    const refused = await post(to, Buffer.alloc(500_000));
    expect(refused.status).toBe(401);
    expect(refused.headers["www-authenticate"]).toContain("Bearer");
    expect((await post(to, TASK, { authorization: "Bearer token" })).status).toBe(200);
  });

  it("hears several headers of one name as one that is none of them", async () => {
    const auth = vi.fn<InvocableAuthGate>(() => true);
    await post(await carrier({ auth }), TASK, { "x-key": ["a", "b"], cookie: ["c", "d"] });
    expect(auth.mock.calls[0]?.[0]).toMatchObject({ method: "POST", headers: { "x-key": "a, b", cookie: "c; d" } });
  });
});

describe("a client that goes away", () => {
  it.each([
    ["resets its stream", (stream: ClientHttp2Stream) => stream.close()],
    ["drops its connection", (stream: ClientHttp2Stream) => stream.session?.destroy()],
  ])("ends the run when it %s", async (_, leave) => {
    const logger = recordingLogger();
    const closed = vi.fn<() => void>();
    let letGo!: () => void;
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const running = vi.fn<() => Promise<void>>(() => released);
    const adapter = nodeInvocableActivityHandler({ "lamps.dim": running }, { logger });
    const session = await sessionWith((request, response) => {
      adapter(request, response);
      response.once("close", closed);
    });
    const stream = session.request({ ":method": "POST" });
    stream.on("error", () => {});
    stream.end(TASK);
    await expect.poll(() => running).toHaveBeenCalledTimes(1);
    leave(stream);
    await expect.poll(() => closed).toHaveBeenCalled();
    letGo();
    await expect.poll(() => logger.lines).toMatchObject([{ level: "warn", fields: { task_id: "задача-😀" } }]);
  });
});
