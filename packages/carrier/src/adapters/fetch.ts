import { CallerDisconnected } from "../activity/errors.js";
import { type InvocableHandlers, InvocableHttpEndpoint, type InvocableHttpOptions } from "../http/endpoint.js";

/**
 * A carrier for every platform that speaks the Fetch API: Bun, Deno, Cloudflare Workers, Vercel, Next.js route handlers,
 * Hono and others.
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
export function fetchInvocableActivityHandler(
  handlers: InvocableHandlers,
  options?: InvocableHttpOptions,
): (request: Request) => Promise<Response> {
  const endpoint = new InvocableHttpEndpoint(handlers, options);
  return async (request) => {
    const response = await endpoint.handle({
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: (limitBytes) => readStream(request.body, limitBytes),
      signal: disconnectSignal(request.signal),
    });
    return new Response(response.body, { status: response.statusCode, headers: response.headers });
  };
}

/** The request's own signal, with a reason that says what it means. */
function disconnectSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new CallerDisconnected());
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  return controller.signal;
}

/** Decodes while it reads; bytes that are no UTF-8 end it. */
async function readStream(stream: ReadableStream<Uint8Array> | null, limitBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const reader = stream?.getReader();
  let text = "";
  let size = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length;
    if (size > limitBytes) {
      await reader?.cancel();
      return undefined;
    }
    text += decoder.decode(next.value, { stream: true });
  }
  return text + decoder.decode();
}
