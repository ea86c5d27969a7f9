import { isClientError } from "@durable-workflow/client";
import { type EngineTransport, EngineUnreachable } from "@durable-workflow/inspector";
import type { EngineConnection } from "../engine/connection.js";
import { toolsOf } from "../engine/control-plane.js";
import type { HttpClient } from "../net/http-client.js";

const LIMIT_BYTES = 16 * 1024 * 1024;
/** What may be read of an answer's head. */
const HEADERS = ["content-type", "date", "retry-after"] as const;

/** How the page's views reach the engine: by the client, with the token that the command keeps to itself. */
export function engineTransport(
  connection: Pick<EngineConnection, "url" | "token" | "namespace" | "tlsVerify">,
  http: HttpClient,
): EngineTransport {
  const tools = toolsOf(connection, http);
  return {
    async request({ method, path, body, headers, limitBytes = LIMIT_BYTES }) {
      try {
        const answer = await tools.exchange({ method, path, body, headers, limitBytes });
        const told = HEADERS.flatMap((name) => {
          const value = answer.header(name);
          return value === undefined ? [] : [[name, value] as const];
        });
        return {
          status: answer.status,
          body: new TextDecoder().decode(answer.bytes),
          headers: Object.fromEntries(told),
        };
      } catch (error) {
        if (!isClientError(error)) throw error;
        throw new EngineUnreachable(error.message, { cause: error });
      }
    },
    events: ({ path, signal, onData, onEnd }) =>
      tools.events(path, {
        signal,
        onEvent: (_, data) => {
          onData(data);
        },
        onEnd: () => {
          if (!signal.aborted) onEnd();
        },
      }),
  };
}
