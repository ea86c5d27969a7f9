import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkOptionNames } from "@durable-workflow/engine-protocol";
import { isLoopbackHost, parseUrl } from "@durable-workflow/engine-protocol/executor-config";
import type { DispatcherHealth } from "../dispatch/api.js";

/** What has metrics as Prometheus text: a registry of prom-client, as `createMetrics` makes one. */
export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Options of `serveHealth`. */
export interface HealthServerOptions {
  /** Default `127.0.0.1`. What it says is meant for operators: let nobody else reach it. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Answered at `/metrics`; without one, that is a 404. */
  readonly metrics?: MetricsText;
  /**
   * Host names, beside loopback's, that requests may be meant for. Default: none where it is bound to loopback, so that no page
   * can reach it under a name of its own (DNS rebinding); all where it is bound to another address.
   */
  readonly allowedHosts?: readonly string[];
}

/** A health server that listens. */
export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Answers GET `/livez` (200, or 503 once stopped), `/readyz` (200 while tasks are leased, 503 while starting, draining,
 * stopped, or when the engine does not answer) and `/metrics`; HEAD likewise. 421 for a host that is not allowed.
 *
 * @throws {TypeError} naming an option that does not exist
 */
export async function serveHealth(
  dispatcher: { health(): DispatcherHealth },
  options: HealthServerOptions = {},
): Promise<HealthServer> {
  checkOptionNames("serveHealth", options, { host: true, port: true, metrics: true, allowedHosts: true });
  const { host = "127.0.0.1", port = 0, metrics, allowedHosts } = options;
  // Bound to what, is known once it listens.
  let allowed: ReadonlySet<string> | undefined = new Set();
  const server = createServer((request, response) => {
    if (allowed !== undefined && !isAllowed(request.headers.host, allowed)) {
      const message = "The server does not answer for this host: name it in allowedHosts.";
      json(response, 421, { error: "host_not_allowed", message });
      return;
    }
    const path = (request.url ?? "").replace(/\?.*$/, "");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      json(response, 405, { error: "method_not_allowed" });
      return;
    }
    const health = dispatcher.health();
    if (path === "/livez") json(response, health.live ? 200 : 503, { status: health.live ? "alive" : "stopped" });
    else if (path === "/readyz") json(response, health.ready ? 200 : 503, health);
    else if (path === "/metrics" && metrics !== undefined) void printMetrics(response, metrics);
    else json(response, 404, { error: "not_found" });
  });
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  const names = allowedHosts ?? (isLoopbackHost(shown) ? [] : undefined);
  allowed = names === undefined ? undefined : new Set(names.map((name) => name.toLowerCase()));
  return {
    url: `http://${shown}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isAllowed(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  const url = header === undefined ? undefined : parseUrl(`http://${header}`);
  return url !== undefined && (isLoopbackHost(url.hostname) || allowed.has(url.hostname));
}

async function printMetrics(response: ServerResponse, metrics: MetricsText): Promise<void> {
  try {
    const text = await metrics.metrics();
    response.writeHead(200, { "content-type": metrics.contentType }).end(text);
  } catch {
    json(response, 500, { error: "metrics_failed" });
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
