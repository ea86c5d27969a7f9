import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { CallerDisconnected } from "../activity/errors.js";
import type { CallerSignal } from "../activity/run.js";
import { type InvocableHandlers, InvocableHttpEndpoint, type InvocableHttpOptions } from "../http/endpoint.js";
import type { InvocableRequestBody } from "../http/message.js";

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
 * A client that goes away aborts the run.
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
        headers: singleHeaders(request.headers),
        body: (limitBytes) => readBody(request, limitBytes),
        signal: caller,
      })
      .then(({ statusCode, headers, body }) => {
        answered = true;
        if (response.destroyed) return;
        response.statusCode = statusCode;
        for (const name in headers) response.setHeader(name, headers[name]!);
        response.setHeader("content-length", Buffer.byteLength(body));
        response.end(body);
        // What the client still sends of a body that was refused is let through to nowhere, so that it reads the answer.
        request.resume();
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

/** Headers that came more than once are lists; joined, none of them can pass for a single one. */
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

function readBody(request: NodeRequest, limitBytes: number): Promise<InvocableRequestBody | undefined> {
  const parsed = alreadyParsed(request);
  if (parsed !== undefined) return Promise.resolve(parsed);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      request.off("data", take);
      resolve(undefined);
    };
    request.on("data", take);
    request.once("end", () => {
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
    });
    request.once("error", reject);
    const gone = (): void => {
      // Every request is closed some time; only one that was not read to its end is an error worth making.
      if (!request.readableEnded) reject(new CallerDisconnected());
    };
    request.once("close", gone);
    // There is no event to come if the client left while the gate was thinking.
    if (request.destroyed) gone();
  });
}

/** What a body parser before us has left, where it has read the stream. */
function alreadyParsed(request: NodeRequest): InvocableRequestBody | undefined {
  if (!request.readableEnded) return undefined;
  const { body } = request as { body?: unknown };
  return typeof body === "string" || (typeof body === "object" && body !== null) ? body : "";
}
