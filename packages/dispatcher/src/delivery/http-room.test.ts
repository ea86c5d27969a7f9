import { createServer, type Server, type Socket } from "node:net";
import type { HttpCarrier } from "@durable-workflow/engine-protocol/executor-config";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterEach, describe, expect, it } from "vitest";
import { NetworkGuard } from "../net/guard.js";
import { ByteBudget, type Held } from "../payloads/byte-budget.js";
import { CallOff } from "../time/call-off.js";
import { systemClock } from "../time/clock.js";
import { HttpDeliverer } from "./http-carrier.js";

const LARGE = 1_000_000;
const CARRIER: Omit<HttpCarrier, "url"> = {
  type: "invocable_http",
  name: "web",
  timeoutSeconds: null,
  retryPolicy: { maxAttempts: 2, backoffSeconds: [60], retryableStatusCodes: [] },
};

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A carrier that begins a large answer, and a delivery to it. */
async function deliverTo(roomFor: (bytes: number) => Promise<Held | undefined> | Held | undefined, signal: CallOff) {
  const sockets: Socket[] = [];
  const server: Loopback = await listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        sockets.push(socket);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\nabc`);
      });
    }) as unknown as Server,
  );
  ends.push(() => server.close());
  const deliverer = new HttpDeliverer({
    clock: systemClock,
    guard: new NetworkGuard({ denyPrivateNetworks: false }),
    responseLimitBytes: 2 * LARGE,
    connectTimeoutMs: 5_000,
  });
  ends.push(() => deliverer.close());
  const retries: string[] = [];
  const delivered = deliverer.deliver({
    carrier: { ...CARRIER, url: server.url },
    credential: { type: "none" },
    idempotencyKey: "A",
    body: () => "{}",
    roomFor,
    limit: () => ({ name: "timeout_seconds", ms: 60_000 }),
    hasRoom: () => true,
    signal,
    onRetry: (why) => retries.push(why),
  });
  return { sockets, retries, delivered };
}

describe("room for an answer", () => {
  it("is given back as soon as the answer is cut off, and before another try", async () => {
    const budget = new ByteBudget(2 * LARGE);
    const signal = new CallOff();
    const { sockets, retries, delivered } = await deliverTo((bytes) => budget.acquire(bytes, signal), signal);
    await expect.poll(() => budget.bytes).toBe(LARGE);
    sockets[0]?.destroy();
    await expect.poll(() => retries).toEqual(["the answer was cut off"]);
    expect(budget.bytes).toBe(0);
    signal.abort(undefined);
    expect(await delivered).toEqual({ kind: "aborted" });
  });

  it("that comes once the answer is over is given back", async () => {
    const budget = new ByteBudget(LARGE);
    const others = budget.acquire(LARGE, new CallOff());
    if (others === undefined || others instanceof Promise) throw new Error("no room");
    const signal = new CallOff();
    const { sockets, retries, delivered } = await deliverTo((bytes) => budget.acquire(bytes, new CallOff()), signal);
    await expect.poll(() => budget.queued).toBe(1);
    sockets[0]?.resetAndDestroy();
    await expect.poll(() => retries).toEqual(["the answer was cut off"]);
    others.release();
    await expect.poll(() => budget.queued).toBe(0);
    expect(budget.bytes).toBe(0);
    signal.abort(undefined);
    expect(await delivered).toEqual({ kind: "aborted" });
  });
});
