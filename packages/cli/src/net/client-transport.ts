import { type Transport, TransportFailure, type TransportRequest } from "@durable-workflow/client";
import { undiciTransport } from "@durable-workflow/client/undici";
import { PAYLOAD_MEDIA_TYPE } from "@durable-workflow/engine-protocol/external-payloads";
import type { Dispatcher } from "undici";
import { refusal, tooLarge, withoutToken } from "./exchange.js";
import { isBomb, unpacked } from "./unpack.js";

/**
 * The client's transport by an agent of ours. Proxies pack answers although nobody asked for it; an answer that echoes the
 * token is read without it; what failed is said in words.
 */
export function clientTransport(dispatcher: Dispatcher): Transport {
  const inner = undiciTransport({ dispatcher });
  const { open: stream } = inner;
  return {
    ...(stream && {
      open: (request) => stream({ ...request, headers: { ...request.headers, "accept-encoding": "identity" } }),
    }),
    async send(request) {
      const { limitBytes } = request;
      try {
        const headers = { ...request.headers, "accept-encoding": "identity" };
        const response = await inner.send({ ...request, headers });
        const body = await unpacked(response.body, response.header("content-encoding") ?? "", limitBytes);
        // It is compared by its hash, and base64 may spell a token by chance.
        const isPayload = response.status === 200 && request.headers["accept"] === PAYLOAD_MEDIA_TYPE;
        return { ...response, body: isPayload ? body : scrubbed(body, request) };
      } catch (error) {
        const kind = error instanceof TransportFailure ? error.kind : isBomb(error) ? "too_large" : "lost";
        if (kind === "too_large") throw new TransportFailure(kind, tooLarge(limitBytes), { cause: error });
        const cause = error instanceof TransportFailure ? error.cause : error;
        throw new TransportFailure(kind, refusal(cause, kind === "lost").message, { cause });
      }
    },
  };
}

function scrubbed(body: Uint8Array, { headers }: TransportRequest): Uint8Array {
  const token = headers["authorization"]?.replace(/^Bearer /, "");
  if (token === undefined) return body;
  const text = Buffer.from(body).toString("utf8");
  const clean = withoutToken(text, token);
  return clean === text ? body : Buffer.from(clean);
}
