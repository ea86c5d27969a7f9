import { createAdapter } from "../http/adapter.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import { answerNodeRequest } from "../node-http/answer.js";
import type { NodeRequest, NodeResponse } from "../node-http/types.js";

export type { NodeRequest, NodeResponse } from "../node-http/types.js";

/** Options of the adapter for Node. */
export type NodeInvocableOptions = AdapterOptions<[request: NodeRequest, response: NodeResponse]>;

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
 * or `body`, or what is played back (Vercel); where nothing was left, it says so. `/serve` has a whole server.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function nodeInvocableActivityHandler<Handlers extends object>(
  handlers: InvocableHandlers<Handlers>,
  options?: NodeInvocableOptions,
): (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return (request, response, next) => {
    answerNodeRequest(endpoint, request, response, { next, values: valuesOf([request, response]) });
  };
}
