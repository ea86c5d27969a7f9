import type { IncomingMessage, ServerResponse } from "node:http";
import { createAdapter } from "../http/adapter.js";
import { InvocableBodyError } from "../http/body-error.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import type { InvocableRequestBody } from "../http/message.js";
import { answerNodeRequest } from "../node-http/answer.js";

/** Options of the adapter for Express. */
export type ExpressInvocableOptions<
  Req extends IncomingMessage = IncomingMessage,
  Res extends ServerResponse = ServerResponse,
> = AdapterOptions<[request: Req, response: Res]>;

type Next = (error?: unknown) => void;

/** What answers requests, and what answers those that a body parser before it has refused. */
export type ExpressInvocableMiddleware<Req, Res> = [
  handle: (request: Req, response: Res, next: Next) => void,
  handleError: (error: unknown, request: Req, response: Res, next: Next) => void,
];

/**
 * A carrier for Express 4 and 5, before or after `express.json()` and its like. Express needs not be installed to build it.
 *
 * ```ts
 * app.use("/tasks", expressInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` }));
 * ```
 *
 * Mount it with `use`, before body parsers where you can: theirs have limits of their own, 100 kB by default. Behind one, it
 * takes what the parser left; what the parser refused is answered in the carrier's own words, which name the limit. It
 * answers every request it is given. A client that goes away aborts the run.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function expressInvocableActivityHandler<
  Handlers extends object,
  Req extends IncomingMessage = IncomingMessage,
  Res extends ServerResponse = ServerResponse,
>(
  handlers: InvocableHandlers<Handlers>,
  options?: ExpressInvocableOptions<Req, Res>,
): ExpressInvocableMiddleware<Req, Res> {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return [
    (request, response, next) => {
      answerNodeRequest(endpoint, request, response, { next, values: valuesOf([request, response]) });
    },
    (error, request, response, next) => {
      const body = refusedBody(error);
      if (body === undefined || response.headersSent) return next(error);
      const values = valuesOf([request, response]);
      answerNodeRequest(endpoint, request, response, { next, values, body });
    },
  ];
}

/** What became of a body that a body parser refused; undefined for an error that is none of theirs. */
function refusedBody(error: unknown): (() => Promise<InvocableRequestBody>) | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { type, limit, body } = error as Readonly<Record<string, unknown>>;
  switch (type) {
    case "entity.too.large":
      return async () => {
        const stated = typeof limit === "number" ? `, ${limit} bytes` : "";
        const message = `The request body is over the limit of a body parser before the carrier${stated}: raise its "limit", or mount the carrier before it.`;
        throw new InvocableBodyError("too_large", message, { cause: error });
      };
    case "entity.parse.failed":
      // Judged once more, so that it is refused in the words of the contract.
      return async () => (typeof body === "string" ? body : "");
    case "encoding.unsupported":
    case "charset.unsupported":
      return async () => {
        throw new InvocableBodyError("not_utf8", "The request body is not valid JSON in UTF-8.", { cause: error });
      };
    default:
      return undefined;
  }
}
