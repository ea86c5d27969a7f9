import { createServer } from "node:http";
import { expect, it } from "vitest";
import { listen } from "../../test/support/loopback.js";
import { systemClock } from "../time/clock.js";
import { EngineClient } from "./client.js";

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
