import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { createAdapter } from "../http/adapter.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import { dropRest } from "../node-http/body.js";
import { toInvocableRequest } from "../node-http/message.js";

/** The part of a Fastify request that is used. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  body: unknown;
}

/** The part of a Fastify reply that is used. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(payload: string): unknown;
}

type ParserDone = (error: Error | null, body?: unknown) => void;

/** The part of a Fastify instance that is used. */
export interface FastifyInstanceLike {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    mediaType: string,
    parser: (request: FastifyRequestLike, payload: IncomingMessage, done: ParserDone) => void,
  ): unknown;
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>): unknown;
}

/** Options of the adapter for Fastify. */
export type FastifyInvocableOptions<
  Request extends FastifyRequestLike = FastifyRequestLike,
  Reply extends FastifyReplyLike = FastifyReplyLike,
> = AdapterOptions<[request: Request, reply: Reply]>;

/**
 * A carrier as a plugin of Fastify, which needs not be installed to build it.
 *
 * ```ts
 * await app.register(fastifyInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` }), { prefix: "/tasks" });
 * ```
 *
 * It answers every method at its prefix, and `/` without one. The media types of tasks are taken there and nowhere else,
 * and `bodyLimitBytes` counts in place of Fastify's own limit: the plugin is encapsulated, what it registers is not seen
 * outside of it. A client that goes away aborts the run.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function fastifyInvocableActivityHandler<
  Handlers extends object,
  Request extends FastifyRequestLike = FastifyRequestLike,
  Reply extends FastifyReplyLike = FastifyReplyLike,
>(
  handlers: InvocableHandlers<Handlers>,
  options?: FastifyInvocableOptions<Request, Reply>,
): (instance: FastifyInstanceLike) => Promise<void> {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return async (instance) => {
    instance.removeAllContentTypeParsers();
    // Unread, so that the carrier's own limit counts. Hooks may have put another stream in the request's place.
    instance.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    instance.all("/", async (request, reply) => {
      const { raw } = request;
      const stream = isStream(request.body) ? request.body : raw;
      const source = { stream, headers: raw.headers };
      const values = valuesOf([request as Request, reply as Reply]);
      const asked = toInvocableRequest(raw, reply.raw, { source, values });
      const { statusCode, headers, body } = await endpoint.handle(asked);
      reply.code(statusCode);
      reply.headers({ ...headers });
      dropRest(stream);
      return reply.send(body);
    });
  };
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && typeof (body as Partial<Readable>).pipe === "function";
}
