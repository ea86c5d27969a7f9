import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { bearerToken } from "../http/index.js";
import { type InvocableServer, type ServeOptions, serve } from "./serve.js";

const TASK = JSON.stringify(activityTaskEnvelope());
const servers: InvocableServer[] = [];
/** Enough for two requests on a machine that stands still for a while. */
const LINGER_MS = 6_000;

async function start(options: ServeOptions = {}, handler: () => unknown = () => 1): Promise<InvocableServer> {
  const server = await serve({ "lamps.dim": handler }, { port: 0, signals: false, ...options });
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ lingerMs: 0, graceMs: 0 })));
});

const post = (url: string, headers: Record<string, string> = {}) => fetch(url, { method: "POST", body: TASK, headers });

describe("who may reach it", () => {
  it.each(["0.0.0.0", "::", "192.0.2.1", "carrier.example"])(
    "without a gate nobody but this machine: %s",
    async (host) => {
      await expect(serve({}, { host, port: 0 })).rejects.toThrow(/can be reached by others, .*auth: bearerToken/);
    },
  );

  it.each(["127.0.0.1", "localhost"])("this machine needs no gate: %s", async (host) => {
    const { url } = await start({ host });
    expect((await post(url)).status).toBe(200);
  });

  it("with a gate everybody who passes it", async () => {
    const { url } = await start({ host: "0.0.0.0", auth: bearerToken("secret") });
    const here = url.replace("0.0.0.0", "127.0.0.1");
    expect((await post(here)).status).toBe(401);
    expect((await post(here, { authorization: "Bearer secret" })).status).toBe(200);
  });

  it("everybody, where that is said", async () => {
    const { url } = await start({ host: "0.0.0.0", insecure: true });
    expect((await post(url.replace("0.0.0.0", "127.0.0.1"))).status).toBe(200);
  });
});

describe("options", () => {
  it.each<[ServeOptions, RegExp]>([
    [{ port: -1 }, /^port must be an integer from 0 to 65535, got -1$/],
    [{ host: "" }, /^host must be/],
    [{ lingerMs: 0.5 }, /^lingerMs must be/],
    [{ graceMs: -1 }, /^graceMs must be/],
    [{ keepAliveTimeoutMs: 0 }, /^keepAliveTimeoutMs must be/],
    [{ maxHeaderBytes: 10 }, /^maxHeaderBytes must be/],
    [{ signals: "yes" as never }, /^signals must be a boolean/],
    [{ insecure: 1 as never }, /^insecure must be a boolean/],
    [{ onRefusal: "log" as never }, /^onRefusal must be a function/],
    [{ auth: undefined as never }, /^auth must be a function/],
    [{ bodyLimitBytes: 0 }, /^bodyLimitBytes must be/],
  ])("%o", async (options, message) => {
    await expect(serve({}, options)).rejects.toThrow(message);
  });

  it("a port that is taken rejects with Node's code", async () => {
    const { url } = await start();
    await expect(serve({}, { port: Number(new URL(url).port) })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("keeps idle connections longer than load balancers do", async () => {
    const { url } = await start();
    const response = await post(url);
    expect(response.headers.get("keep-alive")).toBe("timeout=75");
  });

  it("refuses a head that is too large", async () => {
    const { url } = await start({ maxHeaderBytes: 2048 });
    expect((await post(url, { "x-large": "x".repeat(4096) })).status).toBe(431);
  });
});

describe("onRefusal", () => {
  const options = (told: unknown[]): ServeOptions => ({
    auth: bearerToken("secret"),
    onRefusal: (refused) => {
      told.push(refused);
      throw new Error("what it throws harms nobody");
    },
  });

  it("is told of what is no task, and of no task", async () => {
    const told: unknown[] = [];
    const { url } = await start(options(told), () => {
      throw new Error("no");
    });
    expect((await post(url)).status).toBe(401);
    expect((await fetch(url, { method: "PUT" })).status).toBe(405);
    expect((await fetch(url)).status).toBe(200);
    expect((await post(url, { authorization: "Bearer secret" })).status).toBe(200);
    await expect
      .poll(() => told)
      .toEqual([
        { status: 401, method: "POST" },
        { status: 405, method: "PUT" },
      ]);
  });

  it("is not told of health requests while the server closes", async () => {
    const told: unknown[] = [];
    const server = await start(options(told));
    const closed = server.close({ lingerMs: LINGER_MS });
    expect((await fetch(server.url)).status).toBe(503);
    expect((await post(server.url)).status).toBe(401);
    await closed;
    expect(told).toEqual([{ status: 401, method: "POST" }]);
  });
});

describe("a handler that is none of this library", () => {
  const other = { carrier: "other", activityTypes: [], handle: () => Promise.reject(new Error("no")) };

  it("is shut down with the grace, where it knows how", async () => {
    const graces: unknown[] = [];
    const shutdown = (options: { readonly graceMs: number }): Promise<void> => {
      graces.push(options);
      return Promise.resolve();
    };
    const server = await serve({ ...other, shutdown }, { port: 0, signals: false });
    await server.close({ lingerMs: 0, graceMs: 70 });
    expect(graces).toEqual([{ graceMs: 70 }]);
  });

  it("need not know how", async () => {
    const server = await serve(other, { port: 0, signals: false });
    await server.close({ lingerMs: 0, graceMs: 70 });
  });
});

describe("closing", () => {
  it("goes on taking tasks while it says that it stops", async () => {
    const server = await start();
    expect(await (await fetch(server.url)).json()).toMatchObject({ status: "ok" });
    const closed = server.close({ lingerMs: LINGER_MS });
    const health = await fetch(server.url);
    expect([health.status, await health.json()]).toEqual([503, expect.objectContaining({ status: "stopping" })]);
    const task = await post(server.url);
    expect([task.status, task.headers.get("connection")]).toEqual([200, "close"]);
    expect(await task.json()).toMatchObject({ outcome: { status: "succeeded" } });
    await closed;
    await expect(post(server.url)).rejects.toThrow();
  });

  it("lets what runs end, over a connection that is kept alive", async () => {
    let end!: () => void;
    const begun = new Promise<void>((resolve) => {
      end = resolve;
    });
    let finish!: (value: string) => void;
    const server = await start({}, () => {
      end();
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    const agent = new Agent({ keepAlive: true });
    const answered = new Promise<string>((resolve, reject) => {
      const sent = httpRequest(server.url, { method: "POST", agent }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.once("end", () => resolve(text));
      });
      sent.once("error", reject);
      sent.end(TASK);
    });
    await begun;
    const closed = server.close({ lingerMs: 0 });
    finish("done");
    expect(JSON.parse(await answered)).toMatchObject({ outcome: { status: "succeeded" } });
    await closed;
    agent.destroy();
  });

  it("ends what does not, after the grace, with a failure that is retried", async () => {
    let begin!: () => void;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const server = await start({}, () => {
      begin();
      return new Promise(() => {});
    });
    const answer = post(server.url);
    await begun;
    await server.close({ lingerMs: 0, graceMs: 50 });
    expect(await (await answer).json()).toMatchObject({
      outcome: { status: "failed", retryable: true },
      failure: { type: "CarrierShutdown" },
    });
  });

  it("does not wait for connections without a request", async () => {
    const server = await start();
    const idle = connect(Number(new URL(server.url).port), "127.0.0.1");
    idle.on("error", () => {});
    await new Promise((resolve) => {
      idle.once("connect", resolve);
    });
    await server.close({ lingerMs: 0 });
    await server.closed;
    idle.destroy();
  });

  it("happens once", async () => {
    const server = await start();
    await Promise.all([server.close({ lingerMs: 0 }), server.close(), server.closed]);
  });

  it("follows SIGTERM and SIGINT, and leaves them alone once it is over", async () => {
    const before = process.listenerCount("SIGTERM");
    const server = await start({ signals: true, lingerMs: 0 });
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    process.emit("SIGTERM", "SIGTERM");
    await server.closed;
    expect(process.listenerCount("SIGTERM")).toBe(before);
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});

it("speaks HTTPS with a key and a certificate", async () => {
  const folder = mkdtempSync(join(tmpdir(), "carrier-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const { status } = spawnSync("openssl", [...made, "-subj", "/CN=localhost", "-keyout", key, "-out", cert]);
    expect(status, "openssl makes a certificate").toBe(0);
    const server = await start({ tls: { key: readFileSync(key), cert: readFileSync(cert) } });
    expect(server.url).toMatch(/^https:/);
    const code = await new Promise((resolve, reject) => {
      const sent = httpsRequest(
        server.url,
        { method: "POST", ca: readFileSync(cert), servername: "localhost" },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.once("error", reject);
      sent.end(TASK);
    });
    expect(code).toBe(200);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
