import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { CallerDisconnected } from "../activity/errors.js";
import type { CallerSignal } from "../activity/caller-signal.js";
import { InvocableBodyError } from "../http/body-error.js";
import { type InvocableHandlers, InvocableHttpEndpoint } from "../http/endpoint.js";
import type { InvocableHttpOptions } from "../http/endpoint-options.js";
import type { InvocableRequestBody } from "../http/message.js";

/** Of a body that was refused, what is read and dropped before the connection is given up: 64 MiB. */
const MOST_DROPPED_BYTES = 64 * 1024 * 1024;
/** How long a body that a platform plays back may take to begin to: it lies in memory already. */
const PLAYBACK_MS = 1000;

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * A carrier for `node:http`, `node:https` and `node:http2`, and for frameworks that pass `(request, response, next)` on,
 * behind their body parsers too.
 *
 * ```ts
 * createServer(nodeInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` })).listen(8080);
 * ```
 *
 * It answers every request it is given, whatever the path, and calls `next` only with an error before anything was sent.
 * A client that goes away aborts the run. Where something before it has read the body, it takes what was left in `rawBody`
 * or `body`, or what is played back (Vercel); where nothing was left, it says so.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function nodeInvocableActivityHandler(
  handlers: InvocableHandlers,
  options?: InvocableHttpOptions,
): (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void {
  const endpoint = new InvocableHttpEndpoint(handlers, options);
  return (request, response, next) => {
    const caller = new DisconnectSignal();
    let answered = false;
    response.once("close", () => {
      if (!answered) caller.abort();
    });
    endpoint
      .handle({
        method: request.method ?? "",
        headers: headersOf(request),
        body: (limitBytes, take) => readBody(request, limitBytes, take),
        signal: caller,
      })
      .then(({ statusCode, headers, body }) => {
        answered = true;
        if (response.destroyed) return;
        response.statusCode = statusCode;
        for (const name in headers) response.setHeader(name, headers[name]!);
        response.setHeader("content-length", Buffer.byteLength(body));
        response.end(body);
        dropRest(request);
      })
      .catch((error: unknown) => {
        answered = true;
        if (next === undefined) response.destroy();
        else next(error);
      });
  };
}

/** An AbortSignal for one listener, which costs nothing: a real one is a tenth of a small task's time. */
class DisconnectSignal implements CallerSignal {
  aborted = false;
  reason: unknown = undefined;
  private listener: (() => void) | undefined;

  addEventListener(_type: "abort", listener: () => void): void {
    this.listener = listener;
  }

  removeEventListener(): void {
    this.listener = undefined;
  }

  abort(): void {
    this.aborted = true;
    this.reason = new CallerDisconnected();
    this.listener?.();
  }
}

/** Headers that came more than once are joined: none of them can pass for a single one. */
function headersOf(request: NodeRequest): Readonly<Record<string, string | undefined>> {
  const headers = singleHeaders(request.headers);
  if (headers["authorization"] === undefined) return headers;
  // Of this one Node keeps the first and drops the others without a word.
  const all = valuesOf(request.rawHeaders, "authorization");
  return all.length > 1 ? { ...headers, authorization: all.join(", ") } : headers;
}

function valuesOf(rawHeaders: readonly string[] | undefined, name: string): readonly string[] {
  const values: string[] = [];
  if (rawHeaders === undefined) return values;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const given = rawHeaders[index]!;
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[index + 1]!);
  }
  return values;
}

function singleHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  for (const name in headers) {
    if (typeof headers[name] !== "string") return joinHeaders(headers);
  }
  return headers as Readonly<Record<string, string | undefined>>;
}

function joinHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  const single: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) single[name] = Array.isArray(value) ? value.join(", ") : value;
  return single;
}

/** @throws {InvocableBodyError} (as a rejection) where something before has read the body and left nothing */
async function readBody(
  request: NodeRequest,
  limitBytes: number,
  take: (bytes: number) => boolean,
): Promise<InvocableRequestBody | undefined> {
  const left = leftByOthers(request);
  if (left !== undefined) return left;
  const isRead = request.readableDidRead || request.readableEnded;
  if (!isRead) return readStream(request, limitBytes, take, false);
  if (isPlayedBack(request)) return readStream(request, limitBytes, take, true);
  if (!announcesBody(request)) return "";
  throw consumed();
}

function readStream(
  request: NodeRequest,
  limitBytes: number,
  take: (bytes: number) => boolean,
  playedBack: boolean,
): Promise<InvocableRequestBody | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const add = (chunk: Buffer | string): void => {
      // Text, where something before has set an encoding.
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size <= limitBytes && take(bytes.length)) {
        chunks.push(bytes);
        return;
      }
      request.off("data", add);
      resolve(undefined);
    };
    request.on("data", add);
    request.once("error", reject);
    const done = (): void => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
    if (playedBack) {
      // The request itself was over long ago: only what plays it back can say when it is done.
      const timer = setTimeout(() => reject(consumed()), PLAYBACK_MS);
      request.on("end", () => {
        clearTimeout(timer);
        done();
      });
      return;
    }
    request.once("end", done);
    const gone = (): void => {
      // Every request is closed some time; only one that was not read to its end is an error worth making.
      if (!request.readableEnded) reject(new CallerDisconnected());
    };
    request.once("close", gone);
    // There is no event to come if the client left while the gate was thinking.
    if (request.destroyed) gone();
  });
}

/** What a platform or a body parser before us has left. The raw body counts first: it is what was sent. */
function leftByOthers(request: NodeRequest): InvocableRequestBody | undefined {
  const rawBody = property(request, "rawBody");
  if (rawBody instanceof Uint8Array || (typeof rawBody === "string" && rawBody !== "")) return rawBody;
  if (!request.readableDidRead && !request.readableEnded) return undefined;
  const body = property(request, "body");
  if (typeof body === "string") return body === "" ? undefined : body;
  if (typeof body !== "object" || body === null) return undefined;
  // Body parsers leave an empty object too where they read nothing that they know.
  const isEmpty = !(body instanceof Uint8Array) && Object.keys(body).length === 0;
  return isEmpty && announcesBody(request) && request.headers["content-length"] !== "2" ? undefined : body;
}

/** A property that frameworks may have put there; their getters may throw. */
function property(request: NodeRequest, name: string): unknown {
  try {
    return (request as unknown as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/** Whether `data` and `end` come from somewhere else than the stream, which is at its end: so Vercel's helpers do it. */
function isPlayedBack(request: NodeRequest): boolean {
  return Object.hasOwn(request, "on") || Object.hasOwn(request, "addListener");
}

function announcesBody({ headers }: NodeRequest): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && Number(length) !== 0);
}

function consumed(): InvocableBodyError {
  return new InvocableBodyError(
    "consumed",
    "The request body was read by something before this adapter, which left it neither in rawBody nor in body: mount the adapter before body parsers, or turn the platform's off.",
  );
}

/** What the client still sends of a body that was refused is read and dropped, so that it reads the answer; but not without end. */
function dropRest(request: NodeRequest): void {
  if (request.readableEnded || request.destroyed) return;
  let dropped = 0;
  request.on("data", (chunk: Buffer | string) => {
    dropped += chunk.length;
    if (dropped > MOST_DROPPED_BYTES) request.destroy();
  });
  request.resume();
}
