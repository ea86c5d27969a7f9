import type { IncomingMessage, ServerResponse } from "node:http";
import { createAdapter } from "../http/adapter.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import { answerNodeRequest } from "../node-http/answer.js";

/** Options of the adapter for Google Cloud Functions. */
export type GoogleCloudFunctionsInvocableOptions<
  Req extends IncomingMessage = IncomingMessage,
  Res extends ServerResponse = ServerResponse,
> = AdapterOptions<[request: Req, response: Res]>;

/**
 * A carrier as an HTTP function of Google Cloud, for the Functions Framework, which needs not be installed to build it.
 *
 * ```ts
 * functions.http("tasks", googleCloudFunctionsInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` }));
 * ```
 *
 * The framework reads every body before the function is called, and leaves it in `rawBody`: `bodyLimitBytes` is held to
 * by what lies there. A client that goes away aborts the run. Not for event-driven functions.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function googleCloudFunctionsInvocableActivityHandler<
  Handlers extends object,
  Req extends IncomingMessage = IncomingMessage,
  Res extends ServerResponse = ServerResponse,
>(
  handlers: InvocableHandlers<Handlers>,
  options?: GoogleCloudFunctionsInvocableOptions<Req, Res>,
): (request: Req, response: Res) => void {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return (request, response) => {
    answerNodeRequest(endpoint, request, response, { values: valuesOf([request, response]) });
  };
}
