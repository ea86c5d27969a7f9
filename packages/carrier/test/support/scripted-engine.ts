import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "./loopback.js";

export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How one request is answered. */
export type Act = (response: ServerResponse, request: IncomingMessage) => void;

/** Answers with that status, those headers and that body, JSON unless it is text. */
export function reply(status: number, body: unknown = "", headers: Readonly<Record<string, string>> = {}): Act {
  return (response) => {
    const isText = typeof body === "string";
    response.writeHead(status, { "Content-Type": isText ? "text/html" : "application/json", ...headers });
    response.end(isText ? body : JSON.stringify(body));
  };
}

/** The same act, and a promise that is kept when its connection has closed. */
export function watched(act: Act): { readonly act: Act; readonly closed: Promise<void> } {
  let close: (() => void) | undefined;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  return {
    closed,
    act(response, request) {
      response.once("close", () => close?.());
      act(response, request);
    },
  };
}

/** A real HTTP server that plays a script: one act for each request, the last of them for all that follow. */
export async function scriptedEngine(...script: readonly Act[]) {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const act = script[Math.min(requests.length, script.length - 1)];
      requests.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      act?.(response, request);
    });
  });
  const loopback = await listen(server);
  return { ...loopback, requests };
}
