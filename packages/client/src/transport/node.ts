import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { failures } from "../parts.js";
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
  const agents = { "http:": keptBriefly(HttpAgent), "https:": keptBriefly(HttpsAgent) };
  const targetOf = targets();
  return {
    send: (request) => send(request, targetOf(request.url), agents),
    close: () => {
      agents["http:"].destroy();
      agents["https:"].destroy();
      return Promise.resolve();
    },
  };
}

/** Where a request goes, as `node:http` takes it. */
interface Target {
  readonly protocol: string;
  /** As the header has it. */
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
}

/** What is the same for a URL and for the path within it, parsed or not. */
const PLAIN = /^(?!.*\/\.)[\w/?=&%.:~+-]+$/;

/** Reads URLs. Those of a client differ in their path alone, so that most need not be parsed. */
function targets(): (url: string) => Target {
  let origin = "";
  let known: Target | undefined;
  return (url) => {
    const path = url.slice(origin.length);
    if (known !== undefined && path.startsWith("/") && url.startsWith(origin) && PLAIN.test(path)) {
      const { protocol, host, hostname, port } = known;
      return { protocol, host, hostname, port, path };
    }
    const { protocol, host, hostname, port, pathname, search, origin: its } = new URL(url);
    origin = its;
    known = { protocol, host, hostname: hostname.replaceAll(/[[\]]/g, ""), port, path: pathname + search };
    return known;
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
  { host, ...target }: Target,
  agents: Readonly<Record<string, HttpAgent>>,
): Promise<TransportResponse> {
  const { method, headers, body, limitBytes } = asked;
  return new Promise((resolve) => {
    // As a list they are written as they are, which is cheaper; Node adds neither the name of the host then, nor a length.
    const list = ["host", host];
    for (const [name, value] of Object.entries(headers)) list.push(name, value);
    if (body !== undefined) list.push("content-length", String(Buffer.byteLength(body)));
    const start = target.protocol === "https:" ? httpsRequest : httpRequest;
    const request = start({ ...target, method, headers: list, agent: agents[target.protocol] });
    let isDone = false;
    const fail = (error: unknown): void => {
      if (isDone) return;
      isDone = true;
      resolve(failed(error, isConnecting(request)));
    };
    const giveUp = (why: TransportFailure): void => {
      if (isDone) return;
      fail(why);
      request.destroy();
    };
    const abort = (): void =>
      giveUp(new TransportFailure(isConnecting(request) ? "not_sent" : "lost", "the request was given up"));
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > limitBytes) {
          giveUp(new TransportFailure("too_large", `the answer is longer than ${limitBytes} bytes`));
        }
      });
      response.on("error", fail);
      response.on("end", () => {
        if (!response.complete) {
          fail(new TransportFailure("lost", "the answer was cut off"));
          return;
        }
        if (isDone) return;
        isDone = true;
        const read = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, body: read, header: (name) => headerOf(response, name) });
      });
    });
    if (asked.onAbort !== undefined) asked.onAbort(abort);
    else if (asked.signal.aborted) abort();
    else asked.signal.addEventListener("abort", abort, { once: true });
    if (!request.destroyed) request.end(body);
  });
}

async function failed(error: unknown, wasConnecting: boolean): Promise<never> {
  if (error instanceof TransportFailure) throw error;
  throw (await failures()).failureOf(error, TransportFailure, wasConnecting);
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
