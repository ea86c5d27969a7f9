import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { DispatcherHealth } from "../src/dispatch/api.js";
import { type HealthServer, type HealthServerOptions, serveHealth } from "../src/service/health-server.js";

let server: HealthServer;
afterEach(() => server.close());

async function ask(host: string, method: string, options: HealthServerOptions = {}, path = "/livez") {
  server = await serveHealth({ health: () => ({ live: true, ready: false }) as DispatcherHealth }, options);
  const { port } = new URL(server.url);
  return new Promise<{ status: number; body: string; type: string | undefined }>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers: { host: host.replace("PORT", port) } });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      const { statusCode: status = 0, headers } = response;
      response.on("end", () => resolve({ status, body, type: headers["content-type"] }));
    });
    sent.end();
  });
}

describe("the health server on loopback", () => {
  it.each(["127.0.0.1:PORT", "localhost", "LOCALHOST:PORT", "a.localhost", "[::1]:PORT", "127.9.9.9"])(
    "answers for %s",
    async (host) => {
      expect(await ask(host, "GET")).toMatchObject({ status: 200 });
    },
  );

  it.each(["evil.example", "evil.example:PORT", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "a b"])(
    "refuses the host %j, and says how to allow one",
    async (host) => {
      const { status, body } = await ask(host, "GET");
      expect(status).toBe(421);
      expect(body).toContain("allowedHosts");
      expect(body).not.toContain("alive");
    },
  );

  it("answers for names that are allowed", async () => {
    expect(await ask("Probe.Internal:PORT", "GET", { allowedHosts: ["probe.internal"] })).toMatchObject({
      status: 200,
    });
    await server.close();
    expect(await ask("other.internal", "GET", { allowedHosts: ["probe.internal"] })).toMatchObject({ status: 421 });
  });

  it("answers HEAD as GET, without a body", async () => {
    for (const [path, status] of [
      ["/livez", 200],
      ["/readyz", 503],
      ["/nothing", 404],
    ] as const) {
      expect(await ask("localhost", "HEAD", {}, path)).toEqual({ status, body: "", type: "application/json" });
      await server.close();
    }
    expect(await ask("localhost", "POST")).toMatchObject({ status: 405 });
  });
});

it("on other addresses it answers for all hosts, unless some are named", async () => {
  expect(await ask("probe.example", "GET", { host: "0.0.0.0" })).toMatchObject({ status: 200 });
  await server.close();
  expect(await ask("evil.example", "GET", { host: "0.0.0.0", allowedHosts: ["probe.example"] })).toMatchObject({
    status: 421,
  });
});
