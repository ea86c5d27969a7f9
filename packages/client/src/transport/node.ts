import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { messageOf, neverArrived } from "./fetch.js";
import { type Transport, TransportFailure, type TransportRequest, type TransportResponse } from "./transport.js";

/** Servers close idle connections after 5 s where nobody says otherwise: ours are gone before. */
const IDLE_MS = 4_000;
/** A server that says how long it keeps one may be a little ahead of us. */
const HINT_MARGIN_MS = 1_000;

/**
 * A transport over `node:http` and `node:https` with connections that are kept: several times cheaper than `fetch`. Idle
 * connections are dropped after 4 s, or a second before the server drops them, and keep no process alive.
 */
export function nodeTransport(): Transport {
  const agents = { http: keptBriefly(HttpAgent), https: keptBriefly(HttpsAgent) };
  return {
    send: (request) => send(request, agents),
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
      return Promise.resolve();
    },
  };
}

type AgentClass = new (options: ConstructorParameters<typeof HttpAgent>[0]) => HttpAgent;

/**
 * An agent whose idle sockets are dropped in time. Node's own way, the agent's `timeout`, watches every request too, which
 * costs more, and is the client's to do.
 */
function keptBriefly(Base: AgentClass): HttpAgent {
  const agent = new Base({ keepAlive: true, scheduling: "lifo" });
  Reflect.set(agent, "keepSocketAlive", keepSocketAlive);
  return agent;
}

/** Whether a socket whose request is done is kept, and for how long. */
function keepSocketAlive(socket: Socket): boolean {
  const { res: answer } = (Reflect.get(socket, "_httpMessage") ?? {}) as { readonly res?: IncomingMessage };
  const hint = answer?.headers["keep-alive"];
  const seconds = hint === undefined ? undefined : /timeout=(\d{1,9})/.exec(String(hint))?.[1];
  const left = seconds === undefined ? IDLE_MS : Math.min(IDLE_MS, Number(seconds) * 1000 - HINT_MARGIN_MS);
  if (left <= 0) return false;
  // The agent ends sockets that time out while they are idle, and only those.
  socket.setTimeout(left);
  socket.unref();
  return true;
}

function send(
  asked: TransportRequest,
  agents: { readonly http: HttpAgent; readonly https: HttpAgent },
): Promise<TransportResponse> {
  const { method, url, headers, body, limitBytes } = asked;
  return new Promise((resolve, reject) => {
    const isTls = url.startsWith("https:");
    const length = body === undefined ? undefined : typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const request = (isTls ? httpsRequest : httpRequest)(url, {
      method,
      agent: isTls ? agents.https : agents.http,
      headers: length === undefined ? headers : { ...headers, "content-length": String(length) },
    });
    const settle = (end: () => void): void => {
      signal?.removeEventListener("abort", abort);
      end();
    };
    const fail = (error: unknown): void => {
      const kind = wasNotSent(request, error) ? "not_sent" : "lost";
      settle(() => {
        reject(
          error instanceof TransportFailure ? error : new TransportFailure(kind, messageOf(error), { cause: error }),
        );
      });
    };
    const abort = (): void => {
      isGivenUp = true;
      const kind = isConnecting(request) ? "not_sent" : "lost";
      request.destroy();
      fail(new TransportFailure(kind, "the request was given up"));
    };
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= limitBytes) return;
        request.destroy();
        fail(new TransportFailure("too_large", `the answer is longer than ${limitBytes} bytes`));
      });
      response.on("error", fail);
      response.on("end", () => {
        if (!response.complete) {
          fail(new TransportFailure("lost", "the answer was cut off"));
          return;
        }
        const read = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
        settle(() => {
          resolve({ status: response.statusCode ?? 0, body: read, header: (name) => headerOf(response, name) });
        });
      });
    });
    let isGivenUp = false;
    const signal = asked.onAbort === undefined ? asked.signal : undefined;
    asked.onAbort?.(abort);
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort);
    if (isGivenUp) return;
    request.end(body);
  });
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Whether the connection stands, TLS in it. Before, nothing of the request leaves. */
function isConnecting({ socket }: ClientRequest): boolean {
  if (socket === null) return true;
  return socket.connecting || Reflect.get(socket, "secureConnecting") === true;
}

function wasNotSent(request: ClientRequest, error: unknown): boolean {
  const { syscall } = error as { syscall?: unknown };
  return syscall === "connect" || syscall === "getaddrinfo" || neverArrived(error) || isConnecting(request);
}
