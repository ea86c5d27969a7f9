import type { IncomingMessage, ServerResponse } from "node:http";
import { createAdapter } from "../http/adapter.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import { dropRest } from "../node-http/body.js";
import { toInvocableRequest } from "../node-http/message.js";

/** The part of Koa's context that is used. */
export interface KoaContextLike {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Where body parsers leave `rawBody` and `body`. */
  readonly request: object;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/** Options of the adapter for Koa. */
export type KoaInvocableOptions<Context extends KoaContextLike = KoaContextLike> = AdapterOptions<[context: Context]>;

/**
 * A carrier as a middleware of Koa, which needs not be installed to build it.
 *
 * ```ts
 * router.all("/tasks", koaInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` }));
 * ```
 *
 * It answers every request it is given and calls no other middleware. Mount it before body parsers where you can: what they
 * refuse does not reach it. Behind one it takes what the parser left. A client that goes away aborts the run.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function koaInvocableActivityHandler<Handlers extends object, Context extends KoaContextLike = KoaContextLike>(
  handlers: InvocableHandlers<Handlers>,
  options?: KoaInvocableOptions<Context>,
): (context: Context) => Promise<void> {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return async (context) => {
    const { req, res, request } = context;
    const source = { stream: req, headers: req.headers, left: request };
    const asked = toInvocableRequest(req, res, { source, values: valuesOf([context]) });
    const { statusCode, headers, body } = await endpoint.handle(asked);
    context.status = statusCode;
    context.set({ ...headers });
    context.body = body;
    dropRest(req);
  };
}
