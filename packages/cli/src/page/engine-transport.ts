import { CONTROL_PLANE_VERSION, CONTROL_PLANE_VERSION_FIELD, NAMESPACE_FIELD } from "@durable-workflow/engine-protocol";
import { type EngineTransport, EngineUnreachable } from "@durable-workflow/inspector";
import type { EngineConnection } from "../engine/connection.js";
import { NoAnswer } from "../net/exchange.js";
import type { HttpClient } from "../net/http-client.js";

const TIMEOUT_MS = 30_000;
const LIMIT_BYTES = 16 * 1024 * 1024;

/** How the page's views reach the engine: by the command's one client, with the token that it keeps to itself. */
export function engineTransport(
  { url, token, namespace, tlsVerify }: Pick<EngineConnection, "url" | "token" | "namespace" | "tlsVerify">,
  http: HttpClient,
): EngineTransport {
  const common = { [NAMESPACE_FIELD]: namespace, [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION };
  const tls = { verify: tlsVerify };
  return {
    async request({ method, path, body, headers = {}, limitBytes = LIMIT_BYTES }) {
      const json = body === undefined ? {} : { "content-type": "application/json" };
      const all = { accept: "application/json", "accept-encoding": "identity", ...common, ...json, ...headers };
      try {
        const outgoing = { method, headers: all, token, body, timeoutMs: TIMEOUT_MS, limitBytes, unpack: true };
        return await http.exchange(new URL(`${url}${path}`), outgoing, tls);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        throw new EngineUnreachable(error.message, { cause: error });
      }
    },
    events: ({ path, signal, onData, onEnd }) =>
      http.events(
        new URL(`${url}${path}`),
        {
          headers: { accept: "text/event-stream", ...common },
          token,
          signal,
          onEvent: (_, data) => {
            onData(data);
          },
          onEnd: () => {
            if (!signal.aborted) onEnd();
          },
        },
        tls,
      ),
  };
}
