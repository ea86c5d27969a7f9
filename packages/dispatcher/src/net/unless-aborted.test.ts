import { createServer } from "node:net";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import { HttpDeliverer } from "../delivery/http-carrier.js";
import { EngineClient } from "../engine/client.js";
import { systemClock } from "../time/clock.js";
import { NetworkGuard } from "./guard.js";

/** Far longer than a test may take: whoever waits for it has failed. */
const NEVER_MS = 120_000;

/** It takes connections, and then says nothing: no TLS handshake ever ends. */
let silent: Loopback;
let url: string;

beforeAll(async () => {
  silent = await listen(createServer((socket) => void socket.on("error", () => undefined)));
  url = silent.url.replace("http:", "https:");
});

afterAll(() => silent.close());

describe("a connection that is never made holds back", () => {
  it("no request to the engine past its limit, or its end", async () => {
    const client = new EngineClient({
      serverUrl: url,
      token: () => null,
      tlsVerify: true,
      clock: systemClock,
      scrub: (text) => text,
      requestTimeoutMs: NEVER_MS,
    });
    expect(await client.heartbeat(leasedTask(), 50)).toMatchObject({ kind: "unavailable", why: "timeout" });
    const abort = new AbortController();
    const called = client.heartbeat(leasedTask(), NEVER_MS, abort.signal);
    abort.abort();
    expect(await called).toMatchObject({ kind: "unavailable", why: "aborted" });
    expect(await client.heartbeat(leasedTask(), NEVER_MS, abort.signal)).toMatchObject({ why: "aborted" });
    await client.close();
  });

  it("no delivery past its limit, or its end", async () => {
    const deliverer = new HttpDeliverer({
      clock: systemClock,
      guard: new NetworkGuard({ denyPrivateNetworks: false }),
      responseLimitBytes: 1_000,
      connectTimeoutMs: NEVER_MS,
    });
    const deliver = (ms: number, signal: AbortSignal) =>
      deliverer.deliver({
        carrier: {
          type: "invocable_http",
          name: "silent",
          url,
          timeoutSeconds: null,
          retryPolicy: { maxAttempts: 1, backoffSeconds: [], retryableStatusCodes: [] },
        },
        credential: { type: "none" },
        idempotencyKey: "ATTEMPT-7",
        body: () => "{}",
        limit: () => ({ name: "timeout_seconds", ms }),
        hasRoom: () => true,
        signal,
        onRetry: () => undefined,
      });
    const abort = new AbortController();
    expect(await deliver(50, abort.signal)).toEqual({ kind: "timeout", limit: "timeout_seconds", afterMs: 50 });
    const called = deliver(NEVER_MS, abort.signal);
    setTimeout(() => abort.abort(), 20);
    expect(await called).toEqual({ kind: "aborted" });
    await deliverer.close();
  });
});
