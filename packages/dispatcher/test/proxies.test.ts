import { createServer } from "node:https";
import { type ForwardProxy, startForwardProxy } from "@durable-workflow/test-support/forward-proxy";
import { listen } from "@durable-workflow/test-support/loopback";
import { afterEach, describe, expect, it } from "vitest";
import { HttpDeliverer } from "../src/delivery/http-carrier.js";
import { EngineClient } from "../src/engine/client.js";
import { NetworkGuard } from "../src/net/guard.js";
import { Proxies } from "../src/net/proxies.js";
import { Secrets } from "../src/net/secrets.js";
import { systemClock } from "../src/time/clock.js";
import { completes } from "./support/engine-under-test.js";
import { type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { ScriptedEngine } from "./support/scripted-engine.js";
import { resultFor } from "./support/tasks.js";
import { TEST_CERTIFICATE } from "./support/tls.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function proxy(table: Readonly<Record<string, string>>, credentials?: string): Promise<ForwardProxy> {
  const started = await startForwardProxy(table, credentials);
  closers.push(() => started.close());
  return started;
}

describe("which proxy", () => {
  const through = (environment: Record<string, string>, url: string): string | undefined =>
    new Proxies(environment).proxyFor(new URL(url))?.host;
  const both = { HTTP_PROXY: "http://plain:3128", HTTPS_PROXY: "secure:3129" };

  it.each<[string, Record<string, string>, string | undefined]>([
    ["http://a.example/", both, "plain:3128"],
    ["https://a.example/", both, "secure:3129"],
    ["https://a.example/", { HTTP_PROXY: "http://plain:3128" }, undefined],
    ["https://a.example/", { ...both, https_proxy: "http://lower:1" }, "lower:1"],
    ["https://a.example/", { ...both, HTTPS_PROXY: "" }, undefined],
    ["http://localhost:8080/", both, undefined],
    ["http://127.0.0.1/", both, undefined],
    ["http://[::1]/", both, undefined],
    ["https://a.example/", { ...both, NO_PROXY: "*" }, undefined],
    ["https://a.example/", { ...both, NO_PROXY: "b.example, a.example" }, undefined],
    ["https://x.a.example/", { ...both, NO_PROXY: ".a.example" }, undefined],
    ["https://x.a.example/", { ...both, no_proxy: "*.a.example" }, undefined],
    ["https://xa.example/", { ...both, NO_PROXY: "a.example" }, "secure:3129"],
    ["https://a.example:8443/", { ...both, NO_PROXY: "a.example:443" }, "secure:3129"],
    ["https://a.example/", { ...both, NO_PROXY: "a.example:443" }, undefined],
    ["https://10.1.2.3/", { ...both, NO_PROXY: "10.0.0.0/8" }, undefined],
    ["https://11.1.2.3/", { ...both, NO_PROXY: "10.0.0.0/8" }, "secure:3129"],
    ["https://[fd00::1]/", { ...both, NO_PROXY: "fd00::/8 10.0.0.1" }, undefined],
    ["https://10.0.0.1/", { ...both, NO_PROXY: "fd00::/8 10.0.0.1" }, undefined],
  ])("%s with %o goes through %s", (url, environment, expected) => {
    expect(through(environment, url)).toBe(expected);
  });

  it.each(["socks5://proxy:1080", "http://", "http://a b"])("refuses %j by its variable", (value) => {
    expect(() => new Proxies({ HTTPS_PROXY: value })).toThrow(/^HTTPS_PROXY must be the http or https URL of a proxy$/);
  });

  it("hides what proxies are shown", () => {
    const secrets = new Secrets();
    for (const secret of new Proxies({ HTTP_PROXY: "http://me:prox%2Fy-s3cret@p:1" }).secrets) secrets.add(secret);
    const shown = `prox/y-s3cret ${Buffer.from("me:prox/y-s3cret").toString("base64")}`;
    expect(secrets.scrub(shown)).not.toMatch(/s3cret|bWU6/);
  });
});

describe("through a real proxy", () => {
  let running: Running;
  let carrier: ForeignCarrier;

  it("work is leased from an engine beyond it, and a carrier on loopback is reached without it", async () => {
    const engine = new ScriptedEngine();
    await engine.start();
    closers.push(() => engine.stop());
    const forward = await proxy({ "engine.example:80": engine.url }, "me:prox-s3cret");
    carrier = await startForeignCarrier();
    closers.push(() => carrier.close());
    running = await startDispatcher(
      { url: "http://engine.example" },
      {
        config: oneCarrier(carrier.url, ["t"]),
        environment: { HTTP_PROXY: forward.url.replace("//", "//me:prox-s3cret@") },
      },
    );
    closers.push(() => running.dispatcher.drain());
    await completes(engine, { type: "t" });
    expect(forward.asked).toContain("POST http://engine.example/api/worker/activity-tasks/poll");
    expect(forward.asked.filter((asked) => !asked.includes("engine.example"))).toEqual([]);
    expect(JSON.stringify(running.events)).not.toContain("prox-s3cret");
  });

  it("https is tunnelled, and the certificate is the engine's own", async () => {
    const server = await listen(createServer(TEST_CERTIFICATE, (_, response) => response.end("{}")));
    closers.push(() => server.close());
    const forward = await proxy({ "engine.example:443": server.url });
    const client = (tlsVerify: boolean): EngineClient => {
      const made = new EngineClient({
        serverUrl: "https://engine.example",
        token: () => null,
        tlsVerify,
        clock: systemClock,
        proxies: new Proxies({ https_proxy: forward.url }),
        scrub: (text) => text,
        requestTimeoutMs: 5_000,
      });
      closers.push(() => made.close());
      return made;
    };
    expect(await client(false).negotiate()).toMatchObject({ kind: "reply", status: 200 });
    expect(await client(true).negotiate()).toMatchObject({ kind: "broken", why: "unreachable" });
    expect(new Set(forward.asked)).toEqual(new Set(["CONNECT engine.example:443"]));
  });

  const deliver = async (host: string, denyPrivateNetworks: boolean, address: string | undefined) => {
    const server = await startForeignCarrier((_, response) => void response.end(JSON.stringify(resultFor())));
    closers.push(() => server.close());
    const forward = await proxy({ [`${host}:80`]: server.url });
    const guard = new NetworkGuard({
      denyPrivateNetworks,
      lookup: (_name, _options, found) =>
        address === undefined ? found(new Error("ENOTFOUND"), []) : found(null, [{ address, family: 4 }]),
    });
    const http = new HttpDeliverer({
      clock: systemClock,
      guard,
      proxies: new Proxies({ http_proxy: forward.url }),
      responseLimitBytes: 10_000,
      connectTimeoutMs: 5_000,
    });
    closers.push(() => http.close());
    const answer = await http.deliver({
      carrier: {
        type: "invocable_http",
        name: "web",
        url: `http://${host}/`,
        timeoutSeconds: null,
        retryPolicy: { maxAttempts: 1, backoffSeconds: [], retryableStatusCodes: [] },
      },
      credential: { type: "none" },
      idempotencyKey: "k",
      body: () => "{}",
      limit: () => ({ name: "timeout_seconds", ms: 10_000 }),
      hasRoom: () => true,
      signal: new AbortController().signal,
      onRetry: () => undefined,
    });
    return { answer, asked: forward.asked };
  };

  it.each<[string, boolean, string | undefined]>([
    ["carrier.example", false, "93.184.216.34"],
    ["carrier.example", false, undefined],
    ["carrier.example", false, "10.1.2.3"],
    ["carrier.example", true, "93.184.216.34"],
  ])("a carrier %s is reached (private networks denied: %s, resolved here to %s)", async (host, denies, address) => {
    const { answer, asked } = await deliver(host, denies, address);
    expect(answer).toMatchObject({ kind: "http", status: 200 });
    expect(asked).toEqual([`POST http://${host}/`]);
  });

  it.each<[string, boolean, string | undefined]>([
    ["metadata.example", false, "169.254.169.254"],
    ["rebound.example", false, "127.0.0.1"],
    ["169.254.169.254", false, undefined],
    ["inner.example", true, "10.1.2.3"],
    ["unknown.example", true, undefined],
  ])("%s is refused all the same (private networks denied: %s, resolved here to %s)", async (host, denies, address) => {
    const { answer, asked } = await deliver(host, denies, address);
    expect(answer).toMatchObject({ kind: "refused", code: "address_refused" });
    expect(asked).toEqual([]);
  });
});
