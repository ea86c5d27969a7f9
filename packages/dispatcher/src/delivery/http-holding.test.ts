import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterEach, describe, expect, it } from "vitest";
import { leasedTask, resultFor } from "../../test/support/tasks.js";
import { TEST_CERTIFICATE } from "../../test/support/tls.js";
import { NetworkGuard } from "../net/guard.js";
import { systemClock } from "../time/clock.js";
import { HttpDeliverer, type HttpDelivererOptions } from "./http-carrier.js";
import type { HttpDelivery } from "./http-exchange.js";
import { Holding } from "./retry.js";

const deliverers: HttpDeliverer[] = [];
const servers: Loopback[] = [];

afterEach(async () => {
  await Promise.all(deliverers.splice(0).map((created) => created.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

function deliverer(ca?: string, wishes: Partial<HttpDelivererOptions> = {}): HttpDeliverer {
  const guard = new NetworkGuard({ denyPrivateNetworks: false });
  const limits = { responseLimitBytes: 100_000, connectTimeoutMs: 5_000 };
  const created = new HttpDeliverer({ clock: systemClock, guard, ca, ...limits, ...wishes });
  deliverers.push(created);
  return created;
}

async function serve(server: Server): Promise<Loopback> {
  const listening = await listen(server);
  servers.push(listening);
  return listening;
}

function deliver(own: HttpDeliverer, url: string, wishes: Partial<HttpDelivery> = {}) {
  return own.deliver({
    carrier: {
      type: "invocable_http",
      name: "web",
      url,
      timeoutSeconds: null,
      retryPolicy: { maxAttempts: 1, backoffSeconds: [], retryableStatusCodes: [429, "5xx"] },
    },
    credential: { type: "none" },
    idempotencyKey: leasedTask().attemptId,
    body: () => "{}",
    limit: () => ({ name: "timeout_seconds", ms: 10_000 }),
    hasRoom: () => true,
    signal: new AbortController().signal,
    onRetry: () => undefined,
    ...wishes,
  });
}

const answered = JSON.stringify(resultFor());

describe("a carrier that puts a task off with Retry-After", () => {
  const busy =
    (times: number, status: number, retryAfter: string): RequestListener =>
    (_, response) => {
      if (times-- > 0) response.writeHead(status, { "retry-after": retryAfter }).end("busy");
      else response.end(answered);
    };

  it.each([429, 503])("by %i is tried again when it says, without a retry policy", async (status) => {
    const server = await serve(createServer(busy(3, status, "0")));
    const waits: number[] = [];
    const onRetry = (_: string, delayMs: number): number => waits.push(delayMs);
    expect(await deliver(deliverer(), server.url, { onRetry })).toMatchObject({ status: 200 });
    // A carrier that says "at once" is not hammered.
    expect(waits).toHaveLength(3);
    expect(waits[0]).toBeGreaterThanOrEqual(250);
    expect(waits[2]).toBeGreaterThanOrEqual(1_000);
  });

  it("has its answer stand where no room is left, and the failure may be retried", async () => {
    const server = await serve(createServer(busy(99, 503, "30")));
    const rooms: number[] = [];
    const hasRoom = (delayMs: number): boolean => rooms.push(delayMs) === 0;
    expect(await deliver(deliverer(), server.url, { hasRoom })).toMatchObject({ status: 503, temporary: true });
    expect(rooms[0]).toBeGreaterThanOrEqual(30_000);
  });

  it("is waited for a minute at most each time, and five in all", () => {
    const holding = new Holding();
    const waits: number[] = [];
    for (let next = holding.next(86_400_000); next !== undefined; next = holding.next(86_400_000)) waits.push(next);
    expect(Math.max(...waits)).toBeLessThanOrEqual(75_000);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(300_000);
    expect(waits.length).toBeGreaterThanOrEqual(4);
    expect(new Holding().next(undefined)).toBeUndefined();
  });

  it("is left alone once the task is called off", async () => {
    const server = await serve(createServer(busy(99, 429, "60")));
    const abort = new AbortController();
    const onRetry = (): void => abort.abort();
    expect(await deliver(deliverer(), server.url, { signal: abort.signal, onRetry })).toEqual({ kind: "aborted" });
  });
});

describe.each([
  ["http", (listener: RequestListener) => createServer(listener), undefined],
  ["https", (listener: RequestListener) => createTlsServer(TEST_CERTIFICATE, listener), TEST_CERTIFICATE.cert],
])("a kept connection over %s", (protocol, create, ca) => {
  /** Answers the first request of each connection, and ends that without an answer at the second. */
  async function closing(end: (socket: Socket) => void, ofEach = 2) {
    const counts = new Map<Socket, number>();
    const server = create((request, response) => {
      const count = (counts.get(request.socket) ?? 0) + 1;
      counts.set(request.socket, count);
      if (count >= ofEach) end(request.socket);
      else response.end(answered);
    });
    const { url } = await serve(server);
    return { url: url.replace(/^http:\/\/[^:]+/, `${protocol}://localhost`), counts };
  }

  /** Resolves once the connection can be used again. */
  const free = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

  it.each<[string, (socket: Socket) => void]>([
    ["is reset", (socket) => ("encrypted" in socket ? socket.destroy() : socket.resetAndDestroy())],
    ["is closed", (socket) => socket.end()],
  ])("that %s before any byte of an answer costs nothing: it is repeated once, on a new one", async (_, end) => {
    const { url, counts } = await closing(end);
    const own = deliverer(ca);
    const whys: string[] = [];
    const onRetry = (why: string): number => whys.push(why);
    expect(await deliver(own, url, { onRetry })).toMatchObject({ status: 200 });
    await free();
    expect(await deliver(own, url, { onRetry })).toMatchObject({ status: 200 });
    expect(whys).toEqual(["a kept connection was closed before an answer"]);
    expect([...counts.values()]).toEqual([2, 1]);
  });

  it("whose carrier is killed is not asked again while the system still takes connections for it", async () => {
    let killedAt: number | undefined;
    const server = create((request, response) => {
      killedAt ??= performance.now();
      // As that of a killed process: what was connected breaks, and what connects in that moment, too.
      if (performance.now() - killedAt < 50) request.socket.destroy();
      else response.end(answered);
    });
    const { url } = await serve(server);
    const address = url.replace(/^http:\/\/[^:]+/, `${protocol}://localhost`);
    expect(await deliver(deliverer(ca), address)).toMatchObject({ status: 200 });
  });

  it("that breaks within an answer is not repeated; a new one that breaks before is, once, unless that is off", async () => {
    const own = deliverer(ca);
    const partly = await closing((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", () => socket.destroy());
    });
    await deliver(own, partly.url);
    await free();
    expect(await deliver(own, partly.url)).toMatchObject({ kind: "unreachable", tries: 1 });
    expect([...partly.counts.values()]).toEqual([2]);
    const never = await closing((socket) => socket.destroy(), 1);
    const why = "the connection was closed before an answer";
    expect(await deliver(own, never.url)).toMatchObject({ kind: "unreachable", why, tries: 2 });
    expect([...never.counts.values()]).toEqual([1, 1]);
    const once = await closing((socket) => socket.destroy(), 1);
    const careful = deliverer(ca, { redeliverBroken: false });
    expect(await deliver(careful, once.url)).toMatchObject({ kind: "unreachable", tries: 1 });
    expect([...once.counts.values()]).toEqual([1]);
  });
});
