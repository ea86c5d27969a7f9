import { createServer } from "node:http";
import { FakeClock, NOON } from "@durable-workflow/test-support/clock";
import { listen } from "@durable-workflow/test-support/loopback";
import { expect, it } from "vitest";
import { systemClock } from "../time/clock.js";
import { EngineClient } from "./client.js";
import { ServerClock } from "./server-clock.js";

it("a date that the engine asks to wait for is one of its own clock", async () => {
  const engineNow = Date.now() + 7_200_000;
  const server = await listen(
    createServer((_, response) => {
      response.sendDate = false;
      response.writeHead(503, {
        "content-type": "application/json",
        date: new Date(engineNow).toUTCString(),
        "retry-after": new Date(engineNow + 20_000).toUTCString(),
      });
      response.end("{}");
    }),
  );
  const client = new EngineClient({
    serverUrl: server.url,
    token: () => null,
    tlsVerify: true,
    clock: systemClock,
    scrub: (text) => text,
    requestTimeoutMs: 5_000,
  });
  const outcome = await client.heartbeatWorker("default", "w");
  const asked = outcome.kind === "unavailable" ? (outcome.retryAfterMs ?? 0) : 0;
  expect(asked).toBeGreaterThan(10_000);
  expect(asked).toBeLessThanOrEqual(21_000);
  await client.close();
  await server.close();
});

it("an answer that took longer than its lease does not make its Date wrong", () => {
  const clock = new FakeClock();
  const engine = new ServerClock(clock);
  const at = clock.monotonic();
  engine.observe(new Date(NOON).toUTCString(), at, at + 10_000);
  const before = engine.earliest();
  engine.checkAgainst({ expiresAtMs: NOON + 2_500, grantedAtMs: null, dateMs: NOON }, at, at + 10_000);
  expect(engine.earliest()).toBe(before);
  // One that was over as the answer was written cannot have been granted for it: that Date is another clock's.
  engine.checkAgainst({ expiresAtMs: NOON - 60_000, grantedAtMs: NOON - 90_000, dateMs: NOON }, at, at + 10);
  expect(engine.earliest()).toBeLessThan(NOON - 60_000);
});
