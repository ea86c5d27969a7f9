import type { InvocableActivityHandlerOptions, InvocableAuthGate, InvocableHandler } from "@durable-workflow/carrier";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { type CloseOptions, type RefusedRequest, serve } from "@durable-workflow/carrier/serve";
import { CliError, EXIT } from "../../shell/command.js";
import { reportedRun, type TaskReport } from "./task-report.js";

export interface CarrierServerOptions {
  readonly handler: InvocableHandler;
  readonly host: string;
  readonly port: number;
  /** Undefined where everybody may send tasks: whoever starts the server has judged that. */
  readonly auth: InvocableAuthGate | undefined;
  /** The most tasks at once; one more is answered 503, and comes again. Default the library's. */
  readonly maxTasks?: number | undefined;
  /** Told of what the endpoint refuses for want of room. */
  readonly logger?: InvocableActivityHandlerOptions["logger"];
  /** How long a connection without a request is kept. Default the library's. */
  readonly keepAliveMs?: number | undefined;
  /** A task was answered. */
  readonly onTask: (report: TaskReport) => void;
  /** A request was answered that was no task: not allowed, not readable. */
  readonly onRefusal?: (refused: RefusedRequest) => void;
  /** Ends what runs, after the grace. Default: it goes on to its own end. */
  readonly shutdown?: (graceMs: number) => Promise<void>;
}

/** A carrier over HTTP whose activities can be replaced while it runs. */
export interface CarrierServer {
  readonly url: string;
  /** The tasks that run end with the activities that they began with. */
  readonly replace: (handler: InvocableHandler) => void;
  /** Closes it in good order, as the library's `serve` does. */
  readonly close: (options: Required<CloseOptions>) => Promise<void>;
}

/** @throws {CliError} when the address cannot be listened on */
export async function startCarrierServer(options: CarrierServerOptions): Promise<CarrierServer> {
  const { host, port, auth, maxTasks, logger, keepAliveMs, onTask, onRefusal, shutdown } = options;
  let current = options.handler;
  const replaceable: InvocableHandler = {
    carrier: current.carrier,
    get activityTypes() {
      return current.activityTypes;
    },
    get inputSchemas() {
      return current.inputSchemas;
    },
    get isShutDown() {
      return current.isShutDown === true;
    },
    handle: (envelope, handleOptions) => reportedRun(current, onTask)(envelope, handleOptions),
    shutdown: async ({ graceMs }) => shutdown?.(graceMs),
  };
  try {
    const server = await serve(replaceable, {
      host,
      port,
      signals: false,
      insecure: auth === undefined,
      ...(auth === undefined ? {} : { auth }),
      manifest: activityManifest(),
      ...(logger === undefined ? {} : { logger }),
      ...(maxTasks === undefined ? {} : { maxConcurrentTasks: maxTasks }),
      keepAliveTimeoutMs: keepAliveMs,
      onRefusal,
    });
    return {
      url: server.url,
      replace(handler) {
        current = handler;
      },
      close: (closeOptions) => server.close(closeOptions),
    };
  } catch (error) {
    throw error instanceof TypeError ? error : cannotListen(error, host, port);
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
