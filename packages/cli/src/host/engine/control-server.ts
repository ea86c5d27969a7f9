import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { at, parseJson, textAt } from "@durable-workflow/engine-protocol";
import { isLocalEngineError, type LocalEngine } from "@durable-workflow/local-engine";
import { CONTROL_HOST, CONTROL_PATHS, type ControlAddress } from "../../engine/dev-state.js";

/** A path and a switch. */
const LONGEST_BODY = 65_536;

/**
 * What a command that runs an engine does for other commands of its user, on loopback: it says who it is, and makes copies of
 * its data. Whoever wants more than the first needs the token, which lies in a file that only the user can read.
 */
export class ControlServer {
  private readonly engine: LocalEngine;
  private readonly id = randomUUID();
  private readonly token = randomUUID();
  private server: Server | undefined;

  constructor(engine: LocalEngine) {
    this.engine = engine;
  }

  async start(): Promise<ControlAddress> {
    const server = createServer((request, response) => {
      this.answer(request).then(
        ({ status, body }) => send(response, status, body),
        // Whoever asked has gone.
        () => response.destroy(),
      );
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, CONTROL_HOST, resolve);
    });
    return { port: (server.address() as AddressInfo).port, id: this.id, token: this.token };
  }

  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  private async answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: object }> {
    const { method, url, headers } = request;
    // A page that a browser shows has nothing to ask here.
    if (headers["origin"] !== undefined) return { status: 403, body: { message: "not for browsers" } };
    if (method === "GET" && url === CONTROL_PATHS.identity) return { status: 200, body: { id: this.id } };
    if (method !== "POST" || url !== CONTROL_PATHS.backup) return { status: 404, body: { message: "not here" } };
    if (headers["authorization"] !== `Bearer ${this.token}`)
      return { status: 401, body: { message: "a token is needed" } };
    if (Number(headers["content-length"] ?? Number.NaN) <= LONGEST_BODY) return this.backup(await text(request));
    return { status: 413, body: { message: "too long" } };
  }

  private async backup(body: string): Promise<{ readonly status: number; readonly body: object }> {
    const document = parseJson(body);
    const file = textAt(document, "file");
    if (file === undefined) return { status: 400, body: { message: "file must be a path" } };
    try {
      await this.engine.backup(file, { overwrite: at(document, "overwrite") === true });
      return { status: 200, body: { file } };
    } catch (error) {
      const { message } = error as Error;
      return { status: isLocalEngineError(error) || error instanceof TypeError ? 409 : 500, body: { message } };
    }
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(body));
}
