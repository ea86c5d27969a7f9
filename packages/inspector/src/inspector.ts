import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { AvroValue } from "@durable-workflow/carrier/payload";
import type { Capabilities, CarrierState } from "./api/index.js";
import { Desk } from "./desk.js";
import type { EngineTransport } from "./engine/transport.js";
import { Guard } from "./http/guard.js";
import { type HandlerParts, handlePageRequest } from "./http/request-handler.js";
import { routesOf } from "./http/routes.js";
import { readStaticFiles } from "./http/static-files.js";

const PAGE = fileURLToPath(new URL("./page/", import.meta.url));

export interface InspectorOptions {
  /** How the engine is reached. It holds the token: nothing here ever sees it. */
  readonly transport: EngineTransport;
  /** Of the engine, to be shown: without user, password and query. */
  readonly engineUrl: string;
  readonly namespace: string;
  readonly servedBy: Capabilities["servedBy"];
  /** Reads the arguments of a start from JSON text. What it throws is told to the user by its message. */
  readonly parseArguments: (text: string) => readonly AvroValue[];
  /** How a command line names this engine, such as `--server URL`. Default: not at all. */
  readonly commandOptions?: string;
  /** Refuses every action. Default false. */
  readonly isReadOnly?: boolean;
  /**
   * Whoever asks must bring it (HTTP Basic, with any user name). Default: none, and only requests that name this machine are
   * answered.
   */
  readonly password?: string;
  /** Says what a document of the wire is, in lines of text. Default: nothing is said. */
  readonly explain?: (document: unknown) => string | null;
  /** The carriers of a dispatcher that runs beside. */
  readonly carriers?: () => readonly CarrierState[];
  /** JSON schemas of arguments, by activity type. */
  readonly inputSchemas?: () => Readonly<Record<string, string>>;
  /** Folder of the page's files. Default: that of this package. */
  readonly pageFolder?: string;
}

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
  const { commandOptions = "", isReadOnly = false, password, explain = () => null, pageFolder = PAGE } = options;
  if (password === "") throw new TypeError("password must not be empty");
  const desk = new Desk({
    transport: options.transport,
    engineUrl: options.engineUrl,
    namespace: options.namespace,
    servedBy: options.servedBy,
    parseArguments: options.parseArguments,
    commandOptions,
    isReadOnly,
    explain,
    carriers: options.carriers,
    inputSchemas: options.inputSchemas,
  });
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
