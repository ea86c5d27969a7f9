import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { Desk } from "./desk.js";
import { Guard } from "./http/guard.js";
import { type HandlerParts, handlePageRequest } from "./http/request-handler.js";
import { routesOf } from "./http/routes.js";
import { readStaticFiles } from "./http/static-files.js";
import { type InspectorOptions, resolve } from "./inspector-options.js";

const PAGE = fileURLToPath(new URL("./page/", import.meta.url));

export interface Inspector {
  /** Answers one request for the page or its API. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Ends the streams of those who watch. */
  close(): void;
}

/**
 * The page that shows an engine, and the API behind it, as a handler for any server of Node's.
 *
 * ```ts
 * const inspector = createInspector({ transport, engineUrl, namespace: "default", servedBy: "ui", parseArguments });
 * createServer((request, response) => inspector.handle(request, response)).listen(7071, "127.0.0.1");
 * ```
 */
export function createInspector(options: InspectorOptions): Inspector {
  const { password, pageFolder = PAGE } = options;
  if (password === "") throw new TypeError("password must not be empty");
  const desk = new Desk(resolve(options));
  const parts: HandlerParts = {
    guard: new Guard(password),
    routes: routesOf(desk),
    files: readStaticFiles(pageFolder),
  };
  return {
    handle(request, response) {
      void handlePageRequest(parts, request, response).catch(() => response.destroy());
    },
    close() {
      desk.close();
    },
  };
}
