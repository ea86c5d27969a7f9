import type { IncomingMessage, ServerResponse } from "node:http";

/** Answers requests that are not for the engine. */
export type Site = (request: IncomingMessage, response: ServerResponse) => void;
