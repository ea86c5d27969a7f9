import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { bearerToken } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { activityTaskEnvelope } from "@durable-workflow/engine-protocol/worker";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterEach, describe, expect, it } from "vitest";
import { leasedTask, resultFor } from "../../test/support/tasks.js";
import { TEST_CERTIFICATE } from "../../test/support/tls.js";
import { bodyAround } from "../net/blob-bytes.js";
import { NetworkGuard } from "../net/guard.js";
import { systemClock } from "../time/clock.js";
import { HttpDeliverer } from "./http-carrier.js";
import type { HttpDelivery } from "./http-exchange.js";
import { reportOf } from "./result-mapping.js";

const task = leasedTask();
const body = JSON.stringify(activityTaskEnvelope(task, { renewedBy: "d", traceparent: "00-1-2-01" }));
const deliverers: HttpDeliverer[] = [];
const servers: Loopback[] = [];

afterEach(async () => {
  await Promise.all(deliverers.splice(0).map((created) => created.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

function deliverer(guard = new NetworkGuard({ denyPrivateNetworks: false }), ca?: string): HttpDeliverer {
  const limits = { responseLimitBytes: 100_000, connectTimeoutMs: 5_000 };
  const created = new HttpDeliverer({ clock: systemClock, guard, ca, ...limits });
  deliverers.push(created);
  return created;
}

async function serve(listener: RequestListener): Promise<Loopback> {
  const server = await listen(createServer(listener));
  servers.push(server);
  return server;
}

interface Wishes extends Partial<Omit<HttpDelivery, "carrier">> {
  readonly maxAttempts?: number;
  readonly backoffSeconds?: readonly number[];
}

function deliver(url: string, { maxAttempts = 1, backoffSeconds = [], ...wishes }: Wishes = {}, own = deliverer()) {
  return own.deliver({
    carrier: {
      type: "invocable_http",
      name: "web",
      url,
      timeoutSeconds: null,
      retryPolicy: { maxAttempts, backoffSeconds, retryableStatusCodes: [429, "5xx"] },
    },
    credential: { type: "none" },
    idempotencyKey: task.attemptId,
    body: () => body,
    limit: () => ({ name: "timeout_seconds", ms: 10_000 }),
    hasRoom: () => true,
    signal: new AbortController().signal,
    onRetry: () => undefined,
    ...wishes,
  });
}

describe("delivery", () => {
  it("reaches a carrier of this repository, with its bearer token", async () => {
    const server = await serve(
      nodeInvocableActivityHandler(
        { "lamps.dim": (lamp: string) => `${lamp} dimmed` },
        { auth: bearerToken("lamp-s3cret") },
      ),
    );
    const args = payloadEnvelope(["lamp-7"]);
    const envelope = activityTaskEnvelope(leasedTask({ arguments: { ...args } }), { renewedBy: "d", traceparent: "t" });
    const wishes = { body: () => JSON.stringify(envelope) };
    const welcome = await deliver(server.url, { ...wishes, credential: { type: "bearer", token: "lamp-s3cret" } });
    if (welcome.kind !== "http") throw new Error(welcome.kind);
    const { report } = reportOf(task, welcome, { carrier: "web", scrub: (text) => text });
    expect(report.kind === "complete" && decodePayload(report.result)).toBe("lamp-7 dimmed");
    expect(await deliver(server.url, wishes)).toMatchObject({ kind: "http", status: 401 });
  });

  it("keeps path and query", async () => {
    let asked: string | undefined;
    const server = await serve((request, response) => {
      asked = request.url;
      response.end("{}");
    });
    await deliver(`${server.url}/a/b?c=d`);
    expect(asked).toBe("/a/b?c=d");
  });

  it("does not follow redirects", async () => {
    let reached = false;
    const target = await serve((_, response) => {
      reached = true;
      response.end("{}");
    });
    const server = await serve((_, response) => response.writeHead(307, { location: target.url }).end());
    expect(await deliver(server.url, { maxAttempts: 3 })).toMatchObject({ kind: "http", status: 307 });
    expect(reached).toBe(false);
  });

  it.each<[string, RequestListener, string]>([
    ["too much", (_, response) => response.end(Buffer.alloc(200_000, 32)), "too_large"],
    ["much, packed small", (_, response) => packed(response, Buffer.alloc(50_000_000, 32)), "too_large"],
    ["gzip that is none", (_, response) => response.setHeader("content-encoding", "gzip").end("{}"), "not_decodable"],
    [
      "an unknown encoding",
      (_, response) => response.setHeader("content-encoding", "zstd").end("{}"),
      "unknown_encoding",
    ],
    ["no text", (_, response) => response.end(Buffer.from([0xff, 0xfe, 0x00])), "not_utf8"],
  ])("takes no harm from %s", async (_, listener, problem) => {
    const server = await serve(listener);
    expect(await deliver(server.url)).toMatchObject({ kind: "http", status: 200, body: { problem } });
  });

  it("reads a result that is compressed", async () => {
    const server = await serve((_, response) => packed(response, Buffer.from(JSON.stringify(resultFor()))));
    expect(await deliver(server.url)).toMatchObject({ kind: "http", body: { text: JSON.stringify(resultFor()) } });
  });

  it("counts an answer that is cut off, or no answer, as not reached, and tries again", async () => {
    let calls = 0;
    const server = await serve((request, response) => {
      calls++;
      if (calls === 1) request.socket.destroy();
      else if (calls === 2) cutOff(response);
      else response.end(JSON.stringify(resultFor()));
    });
    const retries: string[] = [];
    const answer = await deliver(server.url, { maxAttempts: 3, onRetry: (why) => retries.push(why) });
    expect(answer).toMatchObject({ kind: "http", status: 200 });
    expect(retries).toHaveLength(2);
    expect(retries[1]).toBe("the answer was cut off");
  });

  it("does not try again where the lease leaves no room, nor when an answer came late", async () => {
    let calls = 0;
    const server = await serve((_, response) => {
      calls++;
      response.writeHead(503).end();
    });
    await deliver(server.url, { maxAttempts: 5, hasRoom: () => false });
    expect(calls).toBe(1);
    const silent = await serve(() => calls++);
    const late = await deliver(silent.url, { maxAttempts: 5, limit: () => ({ name: "start_to_close", ms: 100 }) });
    expect(late).toEqual({ kind: "timeout", limit: "start_to_close", afterMs: 100 });
    expect(calls).toBe(2);
  });

  it("takes a result for what it is, whatever the status", async () => {
    let calls = 0;
    const server = await serve((_, response) => {
      calls++;
      response.writeHead(503).end(JSON.stringify(resultFor()));
    });
    expect(await deliver(server.url, { maxAttempts: 3 })).toMatchObject({ kind: "http", status: 503 });
    expect(calls).toBe(1);
  });

  it("can be called off, while it waits for an answer and between tries", async () => {
    const abort = new AbortController();
    const server = await serve(() => abort.abort());
    expect(await deliver(server.url, { signal: abort.signal })).toEqual({ kind: "aborted" });
    expect(await deliver(server.url, { signal: abort.signal })).toEqual({ kind: "aborted" });
    const between = new AbortController();
    const failing = await serve((_, response) => response.writeHead(503).end());
    const wishes = { maxAttempts: 2, backoffSeconds: [300], signal: between.signal, onRetry: () => between.abort() };
    expect(await deliver(failing.url, wishes)).toEqual({ kind: "aborted" });
  });

  it("of a large body survives carriers that answer before they have read it, or break off", async () => {
    const seen: string[] = [];
    const server = await serve((request, response) => {
      seen.push(request.url ?? "");
      if (request.url === "/early") response.writeHead(413).end("too large");
      else if (request.url === "/broken") request.once("data", () => request.destroy());
      else request.resume().once("end", () => response.end("{}"));
    });
    const own = deliverer();
    // More than a connection holds on its way.
    const wishes = { body: () => bodyAround(Buffer.alloc(30_000_000, 65), (blob) => ({ blob })) };
    expect(await deliver(`${server.url}/early`, wishes, own)).toMatchObject({ kind: "http", status: 413 });
    expect(await deliver(`${server.url}/broken`, wishes, own)).toMatchObject({ kind: "unreachable" });
    expect(await deliver(`${server.url}/read`, wishes, own)).toMatchObject({ kind: "http", status: 200 });
    expect(new Set(seen)).toEqual(new Set(["/early", "/broken", "/read"]));
  });

  it("of a large body can be called off before all of it was sent", async () => {
    let hasBegun = (): void => undefined;
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    const server = await serve((request) => void request.once("data", () => request.pause() && hasBegun()));
    const stop = new AbortController();
    const wishes = {
      body: () => bodyAround(Buffer.alloc(30_000_000, 65), (blob) => ({ blob })),
      signal: stop.signal,
    };
    const delivered = deliver(server.url, wishes);
    await begun;
    stop.abort();
    expect(await delivered).toEqual({ kind: "aborted" });
  });

  it("gives up on a limit that has passed", async () => {
    const server = await serve((_, response) => response.end("{}"));
    const answer = await deliver(server.url, { limit: () => ({ name: "start_to_close", ms: -5 }) });
    expect(answer).toEqual({ kind: "timeout", limit: "start_to_close", afterMs: 0 });
  });

  it("goes nowhere near a host that resolves to loopback, or is a metadata service", async () => {
    let reached = false;
    const server = await serve(() => (reached = true));
    const guard = new NetworkGuard({
      denyPrivateNetworks: false,
      lookup: (_, __, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    const named = await deliver(`http://lamps.example:${server.port}/`, { maxAttempts: 3 }, deliverer(guard));
    expect(named).toMatchObject({ kind: "refused", code: "address_refused" });
    expect(await deliver("https://169.254.169.254/latest")).toMatchObject({ kind: "refused", code: "address_refused" });
    expect(reached).toBe(false);
  });
});

describe("TLS", () => {
  it("shows the client certificate of an mtls credential, and trusts no stranger", async () => {
    const { cert, key } = TEST_CERTIFICATE;
    const clients: unknown[] = [];
    const server = await listen(
      createTlsServer({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: false }, (request, response) => {
        clients.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
        response.end(JSON.stringify(resultFor()));
      }),
    );
    servers.push(server);
    const url = `https://localhost:${server.port}/`;
    expect(await deliver(url)).toMatchObject({ kind: "unreachable", why: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(clients).toEqual([]);
    const trusting = deliverer(undefined, cert);
    expect(await deliver(url, {}, trusting)).toMatchObject({ kind: "http", status: 200 });
    expect(await deliver(url, { credential: { type: "mtls", cert, key } }, trusting)).toMatchObject({ status: 200 });
    expect(clients).toEqual([undefined, "lamps-test"]);
  });
});

function packed(response: Parameters<RequestListener>[1], bytes: Uint8Array): void {
  response.setHeader("content-encoding", "gzip").end(gzipSync(bytes));
}

function cutOff(response: Parameters<RequestListener>[1]): void {
  response.writeHead(200, { "content-length": 1000 });
  response.write('{"outc');
  setImmediate(() => response.destroy());
}
