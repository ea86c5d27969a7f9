import { createAdapter } from "../http/adapter.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import { dropWebBody, readWebBody, type WebBody } from "../http/web-body.js";

/** The part of `HttpRequest` of `@azure/functions` that is used. */
export interface AzureHttpRequestLike extends WebBody {
  readonly method: string;
  readonly headers: { forEach(each: (value: string, name: string) => void): void };
}

/** An `HttpResponseInit` of `@azure/functions`. */
export interface AzureHttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Options of the adapter for Azure Functions. */
export type AzureFunctionsInvocableOptions<
  Request extends AzureHttpRequestLike = AzureHttpRequestLike,
  Context = unknown,
> = AdapterOptions<[request: Request, context: Context]>;

/**
 * A carrier as an HTTP function of Azure, for the programming model v4, whose library needs not be installed to build it.
 *
 * ```ts
 * app.http("tasks", {
 *   methods: ["GET", "POST"],
 *   authLevel: "function",
 *   handler: azureFunctionsInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` }),
 * });
 * ```
 *
 * Azure tells neither of a client that goes away nor of the time that is left: give tasks a deadline below `functionTimeout`
 * of `host.json`, and below the 230 seconds after which Azure's load balancer gives an HTTP answer up.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function azureFunctionsInvocableActivityHandler<
  Handlers extends object,
  Request extends AzureHttpRequestLike = AzureHttpRequestLike,
  Context = unknown,
>(
  handlers: InvocableHandlers<Handlers>,
  options?: AzureFunctionsInvocableOptions<Request, Context>,
): (request: Request, context: Context) => Promise<AzureHttpResponse> {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return async (request, context) => {
    const sent: Record<string, string> = {};
    request.headers.forEach((value, name) => {
      sent[name.toLowerCase()] = value;
    });
    const { statusCode, headers, body } = await endpoint.handle({
      method: request.method,
      headers: sent,
      body: (limitBytes, take) => readWebBody(request, limitBytes, take),
      values: valuesOf([request, context]),
    });
    if (statusCode !== 200) await dropWebBody(request);
    return { status: statusCode, headers: { ...headers }, body };
  };
}
