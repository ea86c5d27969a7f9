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
function disconnectSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(new CallerDisconnected());
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return controller.signal;
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  if (stream === null) return new Uint8Array(0);
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > limitBytes) {
      await reader.cancel();
      return undefined;
    }
    chunks.push(next.value);
  }
  return joinChunks(chunks, size);
}

function joinChunks(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}
