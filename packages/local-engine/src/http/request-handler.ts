import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import {
  type InProcessAnswer,
  type InProcessRequest,
  NAMESPACE_FIELD,
  NAMESPACE_HEADER,
  PROTOCOL_VERSION_FIELD,
  WORKER_PLANE,
} from "@durable-workflow/engine-protocol";
import { DEFAULT_NAMESPACE, type Logger } from "../options.js";
import { StorageUnavailableError } from "../store/group-commit.js";
import type { Arrivals } from "./arrivals.js";
import { type Gate, refuseWebPages } from "./auth.js";
import { type ParsedBody, parseBody, parseDocument, readBody } from "./body.js";
import { type Call, type Plane, type Reply, ReplyError, type StreamReply } from "./call.js";
import {
  afterBody,
  type BytesReply,
  type DirectRoute,
  directCall,
  planeOf,
  sendBytes,
  versionHeaders,
} from "./direct.js";
import { checkControlPlaneVersion, readProtocolVersion } from "./negotiation.js";
import type { Responses } from "./responses.js";
import type { Match, Route, Router } from "./router.js";
import { openStream } from "./streams.js";
import { isStopping, storageRefusal, unavailable } from "./unavailable.js";

export interface HandlerParts {
  readonly router: Router;
  readonly gate: Gate;
  readonly responses: Responses;
  readonly maxBodyBytes: number;
  /** Of requests whose route reads the body itself. */
  readonly maxPayloadBytes: number;
  readonly logger: Logger;
  readonly arrivals: Arrivals;
  readonly hasNamespace: (name: string) => boolean;
}

/**
 * One request, from the wire to the route and back. The checks come in the engine's order, and the first that fails
 * answers: body, route, token, role, version, namespace; then the route's own.
 */
export async function handleRequest(
  parts: HandlerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = readUrl(request.url ?? "/");
  const method = request.method ?? "GET";
  const match = parts.router.match(method, pathname);
  if (match?.route.direct !== undefined) {
    return handleDirect(parts, match, match.route.direct, searchParams, request, response);
  }
  const plane: Plane = pathname.startsWith(WORKER_PLANE) ? "worker" : "control";
  let answered: Plane = plane;
  let reply: Reply | StreamReply;
  const arrived = parts.arrivals.begin();
  try {
    refuseRepeated(request);
    if (!parts.gate.isLocked) refuseWebPages(request.headers.origin, request.headers.host);
    reply = await readAndReply(parts, match, request, {
      method,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      onRead() {
        arrived();
        answered = match?.route.plane ?? plane;
      },
      onDisconnect(callback) {
        // Whoever asks only now would wait for an event that has been.
        if (response.destroyed) callback();
        else
          response.once("close", () => {
            if (!response.writableFinished) callback();
          });
      },
    });
  } catch (error) {
    arrived();
    if (request.destroyed && !request.complete) return;
    reply = replyTo(error, parts.logger);
  }
  if ("join" in reply) openStream(request, response, reply);
  else parts.responses.send(request, response, answered, reply);
}

/**
 * Reads the body, and answers. Whoever waits for the answer holds nothing of the body by then: that may take minutes, of many
 * requests at a time.
 */
function readAndReply(
  parts: HandlerParts,
  match: Match | undefined,
  request: IncomingMessage,
  { method, path, query, headers, onRead, onDisconnect }: Omit<Arrived, "body"> & { readonly onRead: () => void },
): Promise<Reply | StreamReply> | Reply | StreamReply {
  const answer = (chunks: readonly Buffer[]): Promise<Reply | StreamReply> | Reply | StreamReply => {
    const body = parseBody(chunks, headers["content-type"], match?.route.payload);
    onRead();
    return replyOf(parts, match, { method, path, query, headers, body, onDisconnect });
  };
  const read = readBody(request, parts.maxBodyBytes);
  return read instanceof Promise ? read.then(answer) : answer(read);
}

/** A request of this process: judged and answered as others are, without a connection. */
export async function answerInProcess(parts: HandlerParts, request: InProcessRequest): Promise<InProcessAnswer> {
  const { method, headers, body, onDisconnect = () => undefined } = request;
  const { pathname, searchParams } = readUrl(request.path);
  const match = parts.router.match(method, pathname);
  if (match?.route.direct !== undefined) throw new TypeError(`${pathname} is answered over HTTP alone`);
  let plane: Plane = pathname.startsWith(WORKER_PLANE) ? "worker" : "control";
  let reply: Reply | StreamReply;
  try {
    const read = parseDocument(body, parts.maxBodyBytes, match?.route.payload);
    plane = match?.route.plane ?? plane;
    const call = { method, path: pathname, query: searchParams, headers, body: read, onDisconnect };
    reply = await replyOf(parts, match, call);
  } catch (error) {
    reply = replyTo(error, parts.logger);
  }
  if ("join" in reply) throw new TypeError(`${pathname} is answered over HTTP alone`);
  return parts.responses.inProcess(plane, reply);
}

type Arrived = Pick<Call, "method" | "path" | "query" | "headers" | "onDisconnect"> & { readonly body: ParsedBody };

/** What a request comes to once it has been read. @throws {ReplyError} what is refused */
function replyOf(
  parts: HandlerParts,
  match: Match | undefined,
  { method, path, headers, query, onDisconnect, body }: Arrived,
): Promise<Reply | StreamReply> | Reply | StreamReply {
  if (match === undefined) throw parts.router.refusal(method, path);
  const { route, params } = match;
  const { namespace, protocolVersion } = admit(parts, route, headers, query);
  // Written out: on Node 20 a copy that gets further properties costs microseconds.
  return route.handle({
    method,
    path,
    params,
    query,
    headers,
    body: body.object,
    rawBody: body.text,
    long: body.long,
    namespace,
    protocolVersion,
    onDisconnect,
  });
}

/** As above, for a route that reads the body itself: what is refused by the head is refused before the body is read. */
async function handleDirect(
  parts: HandlerParts,
  { route, params }: Match,
  direct: DirectRoute,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let reply: Reply | BytesReply;
  try {
    refuseRepeated(request);
    if (!parts.gate.isLocked) refuseWebPages(request.headers.origin, request.headers.host);
    const { namespace } = admit(parts, route, request.headers, query);
    reply = await direct.handle(directCall(request, response, params, namespace));
  } catch (error) {
    if (response.destroyed) return;
    reply = direct.replyTo(error) ?? replyTo(error, parts.logger);
  }
  const headers = { ...versionHeaders(request.headers), ...reply.headers };
  if ("chunks" in reply) await sendBytes(request, response, { ...reply, headers });
  else parts.responses.send(request, response, planeOf(request.headers), afterBody(request, { ...reply, headers }));
}

/** Which of two would count is for each proxy on the way to decide anew. Node itself takes the first. */
function refuseRepeated(request: IncomingMessage): void {
  if (isRepeated(request, "authorization")) {
    throw new ReplyError(401, { reason: "unauthorized", message: "The Authorization header was sent more than once." });
  }
  if (isRepeated(request, "host")) {
    throw new ReplyError(400, { reason: "bad_request", message: "The Host header was sent more than once." });
  }
}

/** Read off the lines as they came: Node's own list of them is made for every header anew. */
function isRepeated({ rawHeaders }: IncomingMessage, name: string): boolean {
  let times = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const line = rawHeaders[at] ?? "";
    if (line.length === name.length && line.toLowerCase() === name) times++;
  }
  return times > 1;
}

type Admitted = Pick<Call, "namespace" | "protocolVersion">;

function admit(parts: HandlerParts, route: Route, headers: IncomingHttpHeaders, query: URLSearchParams): Admitted {
  if (route.plane === "open") return { namespace: DEFAULT_NAMESPACE, protocolVersion: undefined };
  parts.gate.admit(headers.authorization, route.roles);
  let protocolVersion: string | undefined;
  if (route.needsVersion !== false) {
    const isWorker = route.needsVersion === "either" ? PROTOCOL_VERSION_FIELD in headers : route.plane === "worker";
    if (isWorker) protocolVersion = readProtocolVersion(headers);
    else checkControlPlaneVersion(headers);
  }
  const header = headers[NAMESPACE_FIELD];
  const named = (Array.isArray(header) ? header[0] : header) ?? query.get("namespace") ?? "";
  const namespace = named === "" ? DEFAULT_NAMESPACE : named.toLowerCase();
  if (!parts.hasNamespace(namespace)) {
    throw new ReplyError(404, {
      message: `Namespace '${namespace}' does not exist.`,
      reason: "namespace_not_found",
      namespace,
      remediation: `Name the namespace in the engine's namespaces option, or send an ${NAMESPACE_HEADER} header naming an existing one.`,
    });
  }
  return { namespace, protocolVersion };
}

/** The answer to an error of a route. */
export function replyTo(error: unknown, logger: Logger): Reply {
  if (error instanceof ReplyError) return error.reply;
  if (error instanceof StorageUnavailableError) {
    logger.error({ error: error.cause }, "The storage cannot be written; nothing of the request was recorded.");
    return storageRefusal();
  }
  if (isStopping(error)) return unavailable("engine_stopping", "The engine is being stopped.");
  logger.error({ error }, "A request failed for a reason of the engine's own.");
  return { status: 500, body: { message: "Server Error" } };
}

function readUrl(url: string): { readonly pathname: string; readonly searchParams: URLSearchParams } {
  const at = url.indexOf("?");
  const path = at < 0 ? url : url.slice(0, at);
  const pathname = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return { pathname, searchParams: at < 0 ? NO_QUERY : new URLSearchParams(url.slice(at + 1)) };
}

const NO_QUERY = new URLSearchParams();
