import type { IncomingMessage, ServerResponse } from "node:http";
import { CONTROL_PLANE_VERSION, CONTROL_PLANE_VERSION_HEADER } from "@durable-workflow/engine-protocol";
import type { StreamReply } from "./call.js";

/** Answers with server-sent events, until the client or the stream ends it. */
export function openStream(request: IncomingMessage, response: ServerResponse, { join }: StreamReply): void {
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
  const leave = join(response);
  response.once("close", leave);
}
