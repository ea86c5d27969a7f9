import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { InvocableActivityHandler, InvocableAuthGate } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { CliError, EXIT } from "../command.js";
import { reportingHandler, type TaskReport } from "./task-report.js";

const IDLE_SWEEP_MS = 20;

export interface CarrierServerOptions {
  readonly handler: InvocableActivityHandler;
  readonly host: string;
  readonly port: number;
  readonly auth: InvocableAuthGate | undefined;
  /** A task was answered. */
  readonly onTask: (report: TaskReport) => void;
  /** A request was answered that was no task: not allowed, not readable. */
  readonly onRefusal?: (status: number, request: IncomingMessage) => void;
}

/** A carrier over HTTP whose activities can be replaced while it runs. */
export interface CarrierServer {
  readonly url: string;
  /** The tasks that run end with the activities that they began with. */
  readonly replace: (handler: InvocableActivityHandler) => void;
  /** Takes no more requests; ends once those that have begun are answered. */
  close(): Promise<void>;
}

/** @throws {CliError} when the address cannot be listened on */
export async function startCarrierServer(options: CarrierServerOptions): Promise<CarrierServer> {
  const { host, port, auth, onTask, onRefusal } = options;
  const listenerOf = (handler: InvocableActivityHandler): ReturnType<typeof nodeInvocableActivityHandler> =>
    nodeInvocableActivityHandler(reportingHandler(handler, onTask), {
      health: true,
      ...(auth === undefined ? {} : { auth }),
    });
  let listener = listenerOf(options.handler);
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    response.once("finish", () => {
      if (response.statusCode !== 200) onRefusal?.(response.statusCode, request);
    });
    listener(request, response);
  });
  await listen(server, host, port);
  const { address, family, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}/`,
    replace(handler) {
      listener = listenerOf(handler);
    },
    close: () =>
      new Promise((resolve) => {
        const closeIdle = (): void => server.closeIdleConnections();
        // Connections that are kept alive become idle once their last request is answered.
        const sweep = setInterval(closeIdle, IDLE_SWEEP_MS);
        server.close(() => {
          clearInterval(sweep);
          resolve();
        });
        closeIdle();
      }),
  };
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
