import { type Transport, TransportFailure, type TransportRequest, type TransportResponse } from "./transport.js";

/** The part of `fetch` that is used here. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchAnswer>;

/** What the client gives a `fetch` function beside the address. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  /** Bytes are of a buffer that is not shared: said so that compilers from before `Uint8Array` had a parameter read it too. */
  readonly body?: string | ReturnType<Uint8Array["slice"]>;
  /** A redirect is not to be followed: the token would go with it. */
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

/** What the client reads of the answer of a `fetch` function. */
export interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
      cancel(): Promise<void>;
    };
  } | null;
}

/** Options of the transport over `fetch`. */
export interface FetchTransportOptions {
  /** Default: the global one, looked up for each request. */
  readonly fetch?: FetchLike;
  /** Requests under way at once. Default 4 on Cloudflare and in browsers, whose own limit is 6 connections, and 16 elsewhere. */
  readonly maxConcurrentRequests?: number;
}

/**
 * A transport over `fetch`, for any runtime. Whether a request that failed was sent is told from the error's code, which
 * runtimes on servers give and browsers do not: there a start that meets no engine is `start_unknown`.
 */
export function fetchTransport(options: FetchTransportOptions = {}): Transport {
  return {
    maxConcurrentRequests: options.maxConcurrentRequests ?? (hasFewConnections() ? 4 : 16),
    async send(request) {
      const send = options.fetch ?? (globalThis as { readonly fetch?: FetchLike }).fetch;
      if (send === undefined) throw new TransportFailure("not_sent", "there is no global fetch: give one");
      try {
        return await exchange(send, request);
      } catch (error) {
        if (error instanceof TransportFailure) throw error;
        throw new TransportFailure(neverArrived(error) ? "not_sent" : "lost", messageOf(error), { cause: error });
      }
    },
  };
}

async function exchange(
  send: FetchLike,
  { method, url, headers, body, signal, limitBytes }: TransportRequest,
): Promise<TransportResponse> {
  const response = await send(url, {
    method,
    headers: { ...headers },
    // Nothing here shares memory between threads, which is what the narrower type excludes.
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    redirect: "manual",
    signal,
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length;
    if (size > limitBytes) {
      await reader?.cancel();
      throw new TransportFailure("too_large", `the answer is longer than ${limitBytes} bytes`);
    }
    chunks.push(next.value);
  }
  return {
    status: response.status,
    body: joined(chunks, size),
    header: (name) => response.headers.get(name) ?? undefined,
  };
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Codes of Node's, Bun's and of the certificate checks of both. */
const NOT_SENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket|ERR_TLS_CERT_ALTNAME_INVALID|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;
/** Deno has no codes, and says it in these words. */
const NOT_SENT_IN_WORDS = /client error \(Connect\)|dns error|invalid peer certificate/;

/** Whether an error says that the connection was never made. */
export function neverArrived(error: unknown): boolean {
  const { code, cause, message } = error as { code?: unknown; cause?: unknown; message?: unknown };
  if (typeof code === "string" && NOT_SENT.test(code)) return true;
  if (typeof message === "string" && NOT_SENT_IN_WORDS.test(message)) return true;
  return typeof cause === "object" && cause !== null && neverArrived(cause);
}

/** What an error says, with what its cause says: `fetch failed` alone helps nobody. */
export function messageOf(error: unknown): string {
  const { message, code, cause } = error as { message?: unknown; code?: unknown; cause?: unknown };
  if (typeof cause === "object" && cause !== null) return messageOf(cause);
  const said = typeof message === "string" && message !== "" ? message : "the request failed";
  return typeof code === "string" && !said.includes(code) ? `${said} (${code})` : said;
}

/** Cloudflare and browsers allow a few connections at once. */
function hasFewConnections(): boolean {
  const scope = globalThis as { readonly navigator?: { readonly userAgent?: string }; readonly document?: unknown };
  return scope.navigator?.userAgent === "Cloudflare-Workers" || scope.document !== undefined;
}
