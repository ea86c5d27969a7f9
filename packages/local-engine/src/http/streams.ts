import type { IncomingMessage, ServerResponse } from "node:http";
import { CONTROL_PLANE_VERSION, CONTROL_PLANE_VERSION_HEADER } from "@durable-workflow/engine-protocol";
import type { StreamReply } from "./call.js";

/** A reader that is so far behind is let go: it can join again. */
const MOST_UNSENT_BYTES = 1_048_576;

/** Answers with server-sent events, until the client or the stream ends it. */
export function openStream(request: IncomingMessage, response: ServerResponse, { stream }: StreamReply): void {
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, private",
    "X-Content-Type-Options": "nosniff",
    [CONTROL_PLANE_VERSION_HEADER]: CONTROL_PLANE_VERSION,
  });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  response.flushHeaders();
  let stop: (() => void) | undefined;
  const end = (): void => {
    stop?.();
    response.end();
  };
  stop = stream((text) => {
    response.write(text);
    if (response.writableLength <= MOST_UNSENT_BYTES) return true;
    stop?.();
    response.destroy();
    return false;
  }, end);
  response.once("close", () => {
    stop?.();
  });
}
