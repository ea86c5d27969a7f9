import { type Dispatcher, request as undiciRequest } from "undici";
import { failureOf } from "./failure.js";
import { type Transport, TransportFailure } from "./transport.js";

/** For the head of an answer that is handed over as it comes. */
const OPEN_MS = 5_000;

/** Options of the transport over undici. */
export interface UndiciTransportOptions {
  /** An agent of undici's: for proxies, certificates and pools of one's own. Default: the global one. It is not closed here. */
  readonly dispatcher?: Dispatcher;
}

/**
 * A transport over undici, which has to be installed beside this package: for those that need a proxy or certificates of
 * their own.
 *
 * ```ts
 * const client = createClient({ serverUrl, token, transport: undiciTransport({ dispatcher: new EnvHttpProxyAgent() }) });
 * ```
 */
export function undiciTransport({ dispatcher }: UndiciTransportOptions = {}): Transport {
  return {
    async send({ method, url, headers, body, signal, limitBytes }) {
      try {
        const response = await undiciRequest(url, {
          method,
          headers: { ...headers },
          body: body ?? null,
          signal,
          ...(dispatcher && { dispatcher }),
        });
        const chunks: Uint8Array[] = [];
        let size = 0;
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          size += chunk.length;
          if (size > limitBytes) {
            throw new TransportFailure("too_large", `the answer is longer than ${limitBytes} bytes`);
          }
          chunks.push(chunk);
        }
        return {
          status: response.statusCode,
          body: Buffer.concat(chunks),
          header: (name) => headerOf(response.headers, name),
        };
      } catch (error) {
        throw error instanceof TransportFailure ? error : failureOf(error, TransportFailure);
      }
    },
    async open({ method, url, headers, signal }) {
      const {
        statusCode,
        headers: answered,
        body,
      } = await undiciRequest(url, {
        method,
        headers: { ...headers },
        signal,
        headersTimeout: OPEN_MS,
        bodyTimeout: 0,
        ...(dispatcher && { dispatcher }),
      });
      // Whoever reads it is told by the reading.
      body.on("error", () => undefined);
      return { status: statusCode, header: (name) => headerOf(answered, name), body };
    },
  };
}

function headerOf(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
