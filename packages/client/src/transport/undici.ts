import { type Dispatcher, request as undiciRequest } from "undici";
import { failureOf } from "./failure.js";
import { type Transport, TransportFailure } from "./transport.js";

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
          header: (name) => {
            const value = response.headers[name];
            return Array.isArray(value) ? value.join(", ") : value;
          },
        };
      } catch (error) {
        throw error instanceof TransportFailure ? error : failureOf(error, TransportFailure);
      }
    },
  };
}
