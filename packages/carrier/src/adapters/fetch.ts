import { CallerDisconnected } from "../activity/errors.js";
import { createAdapter } from "../http/adapter.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import type { AdapterOptions } from "../http/endpoint-options.js";
import { dropWebBody, readWebBody } from "../http/web-body.js";

/** `Args` is what the platform passes on after the request. */
export type FetchInvocableOptions<Args extends readonly unknown[] = readonly unknown[]> = AdapterOptions<
  [request: Request, ...args: Args]
>;

/**
 * A carrier for every platform that speaks the Fetch API: Bun, Deno, Cloudflare Workers, Vercel, Netlify, Next.js route
 * handlers, SvelteKit, Hono, h3 and others.
 *
 * ```ts
 * export default { fetch: fetchInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` }) };
 * ```
 *
 * A client that goes away aborts the run where the platform aborts `request.signal`. It routes nothing: every path is
 * answered.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function fetchInvocableActivityHandler<
  Handlers extends object,
  Args extends readonly unknown[] = readonly unknown[],
>(
  handlers: InvocableHandlers<Handlers>,
  options?: FetchInvocableOptions<Args>,
): (request: Request, ...args: Args) => Promise<Response> {
  const { endpoint, valuesOf } = createAdapter(handlers, options);
  return async (request, ...args) => {
    const response = await endpoint.handle({
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: (limitBytes, take) => readWebBody(request, limitBytes, take),
      signal: disconnectSignal(request.signal),
      values: valuesOf([request, ...args]),
    });
    if (response.statusCode !== 200) await dropWebBody(request);
    return new Response(response.body, { status: response.statusCode, headers: response.headers });
  };
}

/** The request's own signal, with a reason that says what it means. Some platforms have none. */
function disconnectSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal == null) return undefined;
  const controller = new AbortController();
  const abort = (): void => controller.abort(new CallerDisconnected());
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  return controller.signal;
}
