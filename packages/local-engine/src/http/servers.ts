import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { InProcessAnswer, InProcessRequest } from "@durable-workflow/engine-protocol";
import { LocalEngineError } from "../errors.js";
import { isLoopback } from "./auth.js";
import { holdBack, isAnnouncedTooLarge } from "./body.js";
import { answerInProcess, type HandlerParts, handleRequest } from "./request-handler.js";
import type { Site } from "./site.js";

/** A client that takes longer to send a request than this is let go. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 75_000;
/** What is left of a request when the engine is closed may take so long. */
const CLOSE_GRACE_MS = 5000;
const IDLE_SWEEP_MS = 20;

/** Where an engine listens now. */
export interface Listening {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** The addresses at which an engine is served. */
export class Servers {
  private readonly parts: HandlerParts;
  private readonly servers = new Set<Server>();
  private readonly inProcess = new Set<Promise<InProcessAnswer>>();
  private isClosed = false;

  constructor(parts: HandlerParts) {
    this.parts = parts;
  }

  /** @throws {LocalEngineError} `address_refused` or `closed` */
  async listen(host: string, port: number, site?: Site): Promise<Listening> {
    if (!this.parts.gate.isLocked && !isLoopback(host)) {
      throw new LocalEngineError(
        "address_refused",
        `${host} can be reached from other machines, and the engine has no tokens: set auth, or listen on 127.0.0.1`,
      );
    }
    if (this.isClosed) throw closed();
    const { logger } = this.parts;
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      if (site !== undefined && !isApi(request.url ?? "/")) {
        site(request, response);
        return;
      }
      handleRequest(this.parts, request, response).catch((error: unknown) => {
        logger.error({ error }, "A request could not be answered.");
        response.destroy();
      });
    };
    const server = createServer(handle);
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      // What is too large is answered by its head, and its body never sent.
      if (isAnnouncedTooLarge(request, this.limitOf(request))) holdBack(request);
      else response.writeContinue();
      handle(request, response);
    });
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.servers.add(server);
    try {
      await bind(server, host, port);
    } catch (error) {
      this.servers.delete(server);
      throw this.isClosed ? closed() : error;
    }
    server.on("error", (error) => {
      logger.error({ error }, "A server had an error.");
    });
    const { address, family, port: bound } = server.address() as AddressInfo;
    const named = family === "IPv6" ? `[${address}]` : address;
    return { url: `http://${named}:${bound}`, host: address, port: bound };
  }

  private limitOf({ method = "GET", url = "/" }: IncomingMessage): number {
    const isDirect = this.parts.router.match(method, url.split("?", 1)[0] ?? url)?.route.direct !== undefined;
    return isDirect ? this.parts.maxPayloadBytes : this.parts.maxBodyBytes;
  }

  /** Answers a request of this process. @throws {LocalEngineError} `closed` (as a rejection) */
  async answer(request: InProcessRequest): Promise<InProcessAnswer> {
    if (this.isClosed) throw closed();
    const answer = answerInProcess(this.parts, request);
    this.inProcess.add(answer);
    try {
      return await answer;
    } finally {
      this.inProcess.delete(answer);
    }
  }

  /** Takes no more requests; ends once those that have begun are answered, or after a while. */
  async close(): Promise<void> {
    this.isClosed = true;
    const done = [...this.servers].map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve);
        }),
    );
    const closeIdle = (): void => {
      for (const server of this.servers) server.closeIdleConnections();
    };
    closeIdle();
    const sweep = setInterval(closeIdle, IDLE_SWEEP_MS);
    let grace: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      grace = setTimeout(() => {
        for (const server of this.servers) server.closeAllConnections();
        resolve();
      }, CLOSE_GRACE_MS);
    });
    await Promise.all([...done, Promise.race([Promise.allSettled(this.inProcess), late])]);
    clearInterval(sweep);
    clearTimeout(grace);
  }
}

/** Whether a path is below `/api`, however it is written. */
function isApi(url: string): boolean {
  return /^\/+api(?:[/?]|$)/i.test(url);
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const abandoned = (): void => {
      reject(closed());
    };
    server.once("error", reject);
    server.once("close", abandoned);
    server.listen(port, host, () => {
      server.off("error", reject);
      server.off("close", abandoned);
      resolve();
    });
  });
}

function closed(): LocalEngineError {
  return new LocalEngineError("closed", "the engine was closed");
}
