import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { toAvroValue } from "@durable-workflow/carrier/payload";
import { createLocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import { afterEach } from "vitest";
import {
  ACTION_HEADER,
  ACTION_HEADER_VALUE,
  type ActionOutcome,
  type ActionRequest,
  createInspector,
  type EngineTransport,
  type InspectorOptions,
  ROUTES,
} from "../../src/index.js";
import { transportTo } from "./transport.js";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Json;
}

export interface Inspected {
  /** Of the engine. */
  readonly client: Client;
  readonly engineUrl: string;
  /** Of the page. */
  readonly url: string;
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Reply>;
  readonly act: (request: ActionRequest) => Promise<ActionOutcome>;
  readonly send: (
    method: string,
    path: string,
    headers: Readonly<Record<string, string | string[]>>,
    body?: string,
  ) => Promise<Reply>;
}

const cleanups: (() => unknown)[] = [];

/** Runs after the test, last registered first. */
export function cleanUp(action: () => unknown): void {
  cleanups.push(action);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

export interface InspectedOptions {
  readonly engine?: Partial<LocalEngineOptions>;
  readonly inspector?: Partial<InspectorOptions>;
  readonly token?: string;
  /** Changes how the engine is reached. */
  readonly transport?: (transport: EngineTransport) => EngineTransport;
}

/** A real engine, and the page's API before it, until the end of the test. */
export async function openInspected(options: InspectedOptions = {}): Promise<Inspected> {
  const { token, transport = (own) => own } = options;
  const auth = token === undefined ? {} : { auth: { token } };
  const engine = createLocalEngine({ file: ":memory:", ...auth, ...options.engine });
  cleanups.push(() => engine.close());
  const { url: engineUrl } = await engine.listen();
  const client = new Client(engineUrl, token === undefined ? {} : { workerToken: token, operatorToken: token });
  const url = await serve({
    transport: transport(transportTo(engineUrl, token === undefined ? {} : { token })),
    engineUrl,
    ...options.inspector,
  });
  return { client, engineUrl, ...callsOf(url) };
}

/** The page's API, served until the end of the test. */
export async function serve(
  options: Partial<InspectorOptions> & Pick<InspectorOptions, "transport" | "engineUrl">,
): Promise<string> {
  const inspector = createInspector({
    namespace: "default",
    servedBy: "ui",
    parseArguments: (text) => {
      const value = toAvroValue(JSON.parse(text));
      return Array.isArray(value) ? value : [value];
    },
    ...options,
  });
  const server = createServer((request, response) => {
    inspector.handle(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  cleanups.push(async () => {
    inspector.close();
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function callsOf(url: string): Pick<Inspected, "url" | "get" | "act" | "send"> {
  const send: Inspected["send"] = (method, path, headers, body) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${url}/${path}`, { method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const isJson = (response.headers["content-type"] ?? "").startsWith("application/json");
          const parsed: unknown = isJson ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed });
        });
      });
      request.once("error", reject);
      request.end(body);
    });
  return {
    url,
    send,
    get: (path, headers = {}) => send("GET", path, headers),
    async act(action) {
      const headers = { "content-type": "application/json", [ACTION_HEADER]: ACTION_HEADER_VALUE };
      const { status, body, text } = await send("POST", ROUTES.action, headers, JSON.stringify(action));
      if (status !== 200) throw new Error(`${status} ${text}`);
      return body as ActionOutcome;
    },
  };
}
