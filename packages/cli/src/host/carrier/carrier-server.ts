import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { InvocableActivityHandlerOptions, InvocableAuthGate, InvocableHandler } from "@durable-workflow/carrier";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { CliError, EXIT } from "../../shell/command.js";
import { reportedRun, type TaskReport } from "./task-report.js";

const IDLE_SWEEP_MS = 20;
/** Load balancers keep idle connections for 60 seconds, and must be the first to close them. */
export const KEEP_ALIVE_SECONDS = 75;
/** How much longer than an idle connection is kept the head of a request may take. */
const HEAD_MS = 10_000;

export interface CarrierServerOptions {
  readonly handler: InvocableHandler;
  readonly host: string;
  readonly port: number;
  readonly auth: InvocableAuthGate | undefined;
  /** The most tasks at once; one more is answered 503, and comes again. Default the library's. */
  readonly maxTasks?: number | undefined;
  /** Told of what the endpoint refuses for want of room. */
  readonly logger?: InvocableActivityHandlerOptions["logger"];
  /** How long a connection without a request is kept. Default {@link KEEP_ALIVE_SECONDS}. */
  readonly keepAliveSeconds?: number;
  /** A task was answered. */
  readonly onTask: (report: TaskReport) => void;
  /** A request was answered that was no task: not allowed, not readable. */
  readonly onRefusal?: (status: number, request: IncomingMessage) => void;
}

/** A carrier over HTTP whose activities can be replaced while it runs. */
export interface CarrierServer {
  readonly url: string;
  /** The tasks that run end with the activities that they began with. */
  readonly replace: (handler: InvocableHandler) => void;
  /**
   * Tells whoever asks that it is about to stop: health checks are answered 503 from now on, and every answer closes its
   * connection. Tasks are taken as before.
   */
  drain(): void;
  /** Takes no more requests; ends once those that have begun are answered. */
  close(): Promise<void>;
}

/** @throws {CliError} when the address cannot be listened on */
export async function startCarrierServer(options: CarrierServerOptions): Promise<CarrierServer> {
  const { host, port, auth, maxTasks, logger, onTask, onRefusal } = options;
  let isDraining = false;
  const listenerOf = (handler: InvocableHandler): ReturnType<typeof nodeInvocableActivityHandler> => {
    const reporting: InvocableHandler = {
      carrier: handler.carrier,
      get activityTypes() {
        return handler.activityTypes;
      },
      // What health checks go by; tasks do not.
      get isShutDown() {
        return isDraining || handler.isShutDown === true;
      },
      handle: reportedRun(handler, onTask),
    };
    return nodeInvocableActivityHandler(reporting, {
      health: true,
      manifest: activityManifest(),
      ...(logger === undefined ? {} : { logger }),
      ...(maxTasks === undefined ? {} : { maxConcurrentTasks: maxTasks }),
      ...(auth === undefined ? {} : { auth }),
    });
  };
  let listener = listenerOf(options.handler);
  let answering = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answering++;
    response.once("close", () => {
      answering--;
    });
    response.once("finish", () => {
      const isRefusal = response.statusCode !== 200 && !(isDraining && isHealthCheck(request));
      if (isRefusal) onRefusal?.(response.statusCode, request);
    });
    if (isDraining) response.setHeader("connection", "close");
    listener(request, response);
  });
  server.keepAliveTimeout = (options.keepAliveSeconds ?? KEEP_ALIVE_SECONDS) * 1000;
  server.headersTimeout = server.keepAliveTimeout + HEAD_MS;
  server.requestTimeout = Math.max(server.requestTimeout, server.headersTimeout);
  await listen(server, host, port);
  const { address, family, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}/`,
    replace(handler) {
      listener = listenerOf(handler);
    },
    drain() {
      isDraining = true;
    },
    close: () =>
      new Promise((resolve) => {
        // Connections that are kept alive become idle once their last request is answered. Those that never had a request
        // are not idle for Node: once nothing is answered any more, all go, a sweep later.
        let wasQuiet = false;
        const sweep = setInterval(() => {
          server.closeIdleConnections();
          if (wasQuiet) server.closeAllConnections();
          wasQuiet = answering === 0;
        }, IDLE_SWEEP_MS);
        server.close(() => {
          clearInterval(sweep);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function isHealthCheck({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw cannotListen(error, host, port);
  }
}

/** What is the matter when an address cannot be listened on. */
export function cannotListen(error: unknown, host: string, port: number, option = "port"): CliError {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  const where = `port ${port} of ${host}`;
  if (code === "EADDRINUSE")
    return new CliError(
      EXIT.failed,
      `${where} is in use`,
      `Choose another with --${option}, or a free one with --${option} 0.`,
    );
  if (code === "EACCES") return new CliError(EXIT.failed, `${where} may not be listened on`, "Choose one above 1023.");
  return new CliError(EXIT.failed, `${where} cannot be listened on (${code})`);
}
