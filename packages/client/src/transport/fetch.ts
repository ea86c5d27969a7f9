import { failures, prepare } from "../parts.js";
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
  // A page has a network now, and may have none when there is trouble: what handles that is loaded with the first answer.
  let isPrepared = !isPage();
  return {
    maxConcurrentRequests: options.maxConcurrentRequests ?? (hasFewConnections() ? 4 : 16),
    async send(request) {
      const send = options.fetch ?? (globalThis as { readonly fetch?: FetchLike }).fetch;
      if (send === undefined) throw new TransportFailure("not_sent", "there is no global fetch: give one");
      try {
        const response = await exchange(send, request);
        if (!isPrepared) prepare();
        isPrepared = true;
        return response;
      } catch (error) {
        throw error instanceof TransportFailure ? error : (await failures()).failureOf(error, TransportFailure);
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
    // None is undefined, as good as left out. Nothing here shares memory between threads, which is what the narrower type excludes.
    body: body as Uint8Array<ArrayBuffer>,
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

/** Cloudflare and browsers allow a few connections at once. */
function hasFewConnections(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  return navigator?.userAgent === "Cloudflare-Workers" || isPage();
}

function isPage(): boolean {
  return (globalThis as { readonly document?: unknown }).document !== undefined;
}
