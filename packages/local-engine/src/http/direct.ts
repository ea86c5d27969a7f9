import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_FIELD, PROTOCOL_VERSION_HEADER } from "@durable-workflow/engine-protocol";
import type { ByteSource } from "../byte-source.js";
import type { Plane, Reply } from "./call.js";

/** A request whose route reads the body itself, as it comes. */
export interface DirectCall {
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Of the body, where it is announced. */
  readonly contentLength: number | undefined;
  readonly namespace: string;
  /** Read as fast as it is taken; to be read once. */
  readonly body: ByteSource;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** A reply of bytes, sent as fast as they are read. */
export interface BytesReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Called once, whatever came of it. */
  readonly close: () => Promise<void>;
}

export interface DirectRoute {
  readonly handle: (call: DirectCall) => Promise<Reply | BytesReply>;
  /** The answer to an error, in the route's own words; undefined for one that is not its own. */
  readonly replyTo: (error: unknown) => Reply | undefined;
}

/** A client that takes nothing of its answer for so long is let go. */
const LONGEST_PAUSE_MS = 60_000;

export function directCall(
  request: IncomingMessage,
  response: ServerResponse,
  params: DirectCall["params"],
  namespace: string,
): DirectCall {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the client hung up"));
  });
  const length = request.headers["content-length"];
  return {
    params,
    headers: request.headers,
    contentLength: length === undefined ? undefined : Number(length),
    namespace,
    body: { read: (take) => readPieces(request, take) },
    signal: gone.signal,
  };
}

/** Which plane's words an answer of a route of both planes has: that of the version header that came. */
export function planeOf(headers: IncomingHttpHeaders): Plane {
  return headers[PROTOCOL_VERSION_FIELD] === undefined ? "control" : "open";
}

/** What the worker plane's answers say in their headers, where the body is not its own. */
export function versionHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return headers[PROTOCOL_VERSION_FIELD] === undefined ? {} : { [PROTOCOL_VERSION_HEADER]: PROTOCOL_VERSION };
}

/** The reply, with the connection closed after it where the body was not read to its end. */
export function afterBody(request: IncomingMessage, reply: Reply): Reply {
  const isOver = request.complete || (request.headers["content-length"] ?? "0") === "0";
  if (isOver && request.headers["transfer-encoding"] === undefined) return reply;
  return request.complete ? reply : { ...reply, headers: { ...reply.headers, Connection: "close" } };
}

export async function sendBytes(request: IncomingMessage, response: ServerResponse, reply: BytesReply): Promise<void> {
  try {
    if (response.destroyed) return;
    response.writeHead(reply.status, { "X-Content-Type-Options": "nosniff", ...reply.headers });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    // The last piece goes with the end: a body of one piece is one write, head included.
    let last: Uint8Array | undefined;
    for await (const chunk of reply.chunks) {
      if (last !== undefined && !response.write(last)) await drained(response);
      if (response.destroyed) return;
      last = chunk;
    }
    response.end(last);
  } catch {
    // Half an answer must not look like a whole one.
    response.destroy();
  } finally {
    await reply.close();
  }
}

/**
 * Gives a body to `take` piece by piece, by events: an iterator would cost as much again as reading does. A body that is not
 * read to its end does not take the connection with it: the answer goes there.
 */
function readPieces(request: IncomingMessage, take: Parameters<ByteSource["read"]>[0]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      request.off("data", read).off("end", ended).off("error", failed).off("close", closed);
    };
    const ended = (): void => {
      stop();
      resolve(true);
    };
    const failed = (error: unknown): void => {
      stop();
      reject(error);
    };
    const closed = (): void => failed(new Error("the client hung up"));
    const judge = (goesOn: boolean): void => {
      if (goesOn) {
        request.resume();
        return;
      }
      stop();
      request.pause();
      resolve(false);
    };
    const read = (chunk: Uint8Array): void => {
      const taken = take(chunk);
      if (taken === true) return;
      request.pause();
      if (taken === false) judge(false);
      else taken.then(judge, failed);
    };
    request.on("data", read).on("end", ended).on("error", failed).on("close", closed);
    if (request.destroyed && !request.readableEnded) closed();
  });
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      response.off("drain", finish);
      response.off("close", finish);
      resolve();
    };
    const timer = setTimeout(() => {
      response.destroy();
      finish();
    }, LONGEST_PAUSE_MS);
    response.once("drain", finish);
    response.once("close", finish);
    if (response.destroyed) finish();
  });
}
