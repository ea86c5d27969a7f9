import { getEventListeners } from "node:events";
import { createServer } from "node:net";
import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import { freePort, listen } from "@durable-workflow/test-support/loopback";
import { expect, it, onTestFinished } from "vitest";
import { NetworkGuard } from "../net/guard.js";
import { canConnect } from "./probe.js";

const carrierAt = (url: string): Carrier => ({ type: "invocable_http", url }) as Carrier;

it("a carrier is looked for again and again without a trace on the signal that all looks share", async () => {
  const server = await listen(createServer());
  onTestFinished(() => server.close());
  const { signal } = new AbortController();
  const guard = new NetworkGuard({ denyPrivateNetworks: false });
  const gone = `http://127.0.0.1:${await freePort()}/`;
  for (let look = 0; look < 12; look++) {
    expect(await canConnect(carrierAt(server.url), guard, { timeoutMs: 5_000, signal })).toBe(true);
    expect(await canConnect(carrierAt(gone), guard, { timeoutMs: 5_000, signal })).toBe(false);
  }
  // Node listens a turn after the connection has begun.
  await new Promise((resolve) => setImmediate(resolve));
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("a look that is called off says no, before it begins and after", async () => {
  const guard = new NetworkGuard({ denyPrivateNetworks: false });
  const called = new AbortController();
  const look = canConnect(carrierAt("http://192.0.2.1/"), guard, { timeoutMs: 60_000, signal: called.signal });
  called.abort();
  expect(await look).toBe(false);
  expect(await canConnect(carrierAt("http://192.0.2.1/"), guard, { timeoutMs: 60_000, signal: called.signal })).toBe(
    false,
  );
});
