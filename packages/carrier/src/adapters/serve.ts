import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { InvocableHandler } from "../activity/invocable-handler.js";
import { quietly } from "../activity/quietly.js";
import { createAdapter } from "../http/adapter.js";
import { type InvocableHandlers, toHandler } from "../http/endpoint.js";
import { answerNodeRequest } from "../node-http/answer.js";
import {
  type CloseOptions,
  resolveServeOptions,
  type ServeOptions,
  type ServeSettings,
} from "../node-http/serve-options.js";

export {
  type CloseOptions,
  DEFAULT_KEEP_ALIVE_TIMEOUT_MS,
  type RefusedRequest,
  type ServeOptions,
} from "../node-http/serve-options.js";

/** How often connections are looked at that became idle once their last request was answered. */
const IDLE_SWEEP_MS = 20;

/**
 * Serves a carrier over HTTP, or HTTPS, from a Node process of its own. GET and HEAD are health requests unless
 * `health: false`.
 *
 * ```ts
 * const server = await serve(
 *   { greet: (name: string) => `Hello, ${name}` },
 *   { host: "0.0.0.0", port: 8080, auth: bearerToken(process.env.CARRIER_TOKEN ?? "") },
 * );
 * ```
 *
 * SIGTERM and SIGINT close it: health requests are answered 503 while tasks are still taken for a while, then no new
 * connection is, and tasks that run are given time to end. It does not end the process: nothing is left then that keeps it.
 *
 * @throws {TypeError} (as a rejection) for bad handlers or options, and for an address that others can reach without `auth`
 * @throws {Error} (as a rejection) with Node's code (`EADDRINUSE`, `EACCES`) where the address cannot be listened on
 */
export async function serve<Handlers extends object>(
  handlers: InvocableHandlers<Handlers>,
  options?: ServeOptions,
): Promise<InvocableServer> {
  const { settings, rest } = resolveServeOptions(options);
  const handler = toHandler(handlers, rest);
  const { onRefusal } = settings;
  let isDraining = false;
  let answering = 0;
  const watched = withHealth(handler, () => isDraining);
  const { endpoint, valuesOf } = createAdapter(watched, { health: true, ...rest });
  const server = createNodeServer(settings, (request, response) => {
    answering++;
    response.once("close", () => answering--);
    if (onRefusal !== undefined) {
      response.once("finish", () => {
        const { method = "" } = request;
        const { statusCode: status } = response;
        const isExpected = isDraining && (method === "GET" || method === "HEAD");
        if (status !== 200 && !isExpected) quietly(() => onRefusal({ status, method }));
      });
    }
    // Whoever is told so opens no further request on this connection.
    if (isDraining) response.setHeader("connection", "close");
    answerNodeRequest(endpoint, request, response, { values: valuesOf([request, response]) });
  });
  await listen(server, settings);
  return new InvocableServer(server, settings, {
    drain: () => {
      isDraining = true;
    },
    isQuiet: () => answering === 0,
    shutdown: async (graceMs) => handler.shutdown?.({ graceMs }),
  });
}

interface ServedHandler {
  drain(): void;
  /** Whether no request is being answered. */
  isQuiet(): boolean;
  /** Ends what runs, after the grace. */
  shutdown(graceMs: number): Promise<void>;
}

/** A carrier that listens. */
export class InvocableServer {
  /** Where tasks are sent, with the port that it has. */
  readonly url: string;
  /** Resolves once it was closed, by whatever closed it. Never rejects. */
  readonly closed: Promise<void>;
  private readonly server: Server;
  private readonly settings: ServeSettings;
  private readonly handler: ServedHandler;
  private closing: Promise<void> | undefined;
  private readonly setClosed: () => void;

  /** Made by {@link serve}. */
  constructor(server: Server, settings: ServeSettings, handler: ServedHandler) {
    this.server = server;
    this.settings = settings;
    this.handler = handler;
    const { address, family, port } = server.address() as AddressInfo;
    this.url = `${settings.tls === undefined ? "http" : "https"}://${family === "IPv6" ? `[${address}]` : address}:${port}/`;
    let setClosed!: () => void;
    this.closed = new Promise((resolve) => {
      setClosed = resolve;
    });
    this.setClosed = setClosed;
    if (settings.signals) this.listenToSignals();
  }

  /**
   * Closes it in good order: health requests get 503 while tasks are still taken, then nothing is taken any more, and what
   * runs may end. Calls after the first wait for that one.
   *
   * @returns once the last answer is out, or its client is gone
   * @throws {TypeError} (as a rejection) for times that are no integers >= 0
   */
  async close({
    lingerMs = this.settings.lingerMs,
    graceMs = this.settings.graceMs,
  }: CloseOptions = {}): Promise<void> {
    for (const [name, value] of Object.entries({ lingerMs, graceMs })) {
      if (!Number.isInteger(value) || value < 0) throw new TypeError(`${name} must be an integer >= 0`);
    }
    this.closing ??= this.closeOnce(lingerMs, graceMs);
    return this.closing;
  }

  private async closeOnce(lingerMs: number, graceMs: number): Promise<void> {
    this.handler.drain();
    if (lingerMs > 0) await sleep(lingerMs);
    const ended = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    // Connections that never had a request are not idle by Node's lights: once nothing is answered any more, all go. A
    // sweep later, so that what was just answered is on its way.
    let wasQuiet = false;
    const sweep = setInterval(() => {
      this.server.closeIdleConnections();
      if (wasQuiet) this.server.closeAllConnections();
      wasQuiet = this.handler.isQuiet();
    }, IDLE_SWEEP_MS);
    await Promise.all([ended, this.handler.shutdown(graceMs)]);
    clearInterval(sweep);
    this.setClosed();
  }

  private listenToSignals(): void {
    const terminate = (): void => stop({});
    // Who presses Ctrl-C does not wait for a load balancer.
    const interrupt = (): void => stop({ lingerMs: 0 });
    const forget = (): void => {
      process.off("SIGTERM", terminate);
      process.off("SIGINT", interrupt);
    };
    const stop = (options: CloseOptions): void => {
      forget();
      void this.close(options);
    };
    process.on("SIGTERM", terminate);
    process.on("SIGINT", interrupt);
    void this.closed.then(forget);
  }
}

/** The handler as it is, but for what health requests go by. */
function withHealth(handler: InvocableHandler, isDraining: () => boolean): InvocableHandler {
  return {
    carrier: handler.carrier,
    get activityTypes() {
      return handler.activityTypes;
    },
    handlers: handler.handlers,
    get inputSchemas() {
      return handler.inputSchemas;
    },
    get isShutDown() {
      return isDraining() || handler.isShutDown === true;
    },
    handle: (envelope, options) => handler.handle(envelope, options),
  };
}

function createNodeServer(settings: ServeSettings, listener: RequestListener): Server {
  const { tls, keepAliveTimeout, headersTimeout, requestTimeout, maxHeaderSize } = settings;
  const options = { keepAliveTimeout, headersTimeout, requestTimeout, maxHeaderSize };
  return tls === undefined ? createHttpServer(options, listener) : createHttpsServer({ ...tls, ...options }, listener);
}

function listen(server: Server, { host, port }: ServeSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
