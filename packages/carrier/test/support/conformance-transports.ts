import { Buffer } from "node:buffer";
import { createServer, request as httpRequest } from "node:http";
import { connect, createServer as createHttp2Server, type IncomingHttpHeaders } from "node:http2";
import { InvocableActivityHandler } from "../../src/activity/index.js";
import { fetchInvocableActivityHandler } from "../../src/adapters/fetch.js";
import { type LambdaHttpResult, lambdaInvocableActivityHandler } from "../../src/adapters/lambda.js";
import { nodeInvocableActivityHandler } from "../../src/adapters/node.js";
import {
  handleInvocableHttpRequest,
  type InvocableHttpOptions,
  type InvocableHttpResponse,
} from "../../src/http/index.js";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, isExternalTaskInputError } from "../../src/protocol/index.js";
import type { ConformanceObservation } from "../../src/testing/conformance/check.js";
import { conformanceHandlers } from "../../src/testing/conformance/handlers.js";
import type { ConformanceRequest } from "../../src/testing/conformance/types.js";
import { applicationLoadBalancerEvent, type EventParts, httpApiEvent, restApiEvent } from "./lambda-events.js";
import { listen } from "./loopback.js";

type Answer = Pick<ConformanceObservation, "status" | "headers" | "body">;

/** One way to reach the carrier that is tested. */
export interface Transport {
  readonly name: string;
  send(request: ConformanceRequest): Promise<Answer>;
  close?(): Promise<void>;
}

/** Every way there is, each with a carrier of its own. */
export async function openTransports(): Promise<readonly Transport[]> {
  return [handler(), httpHelper(), ...(await openHttpTransports()), directLambda()];
}

/** The ways that have an HTTP method and headers. */
export async function openHttpTransports(options?: InvocableHttpOptions): Promise<readonly Transport[]> {
  return [fetchAdapter(options), await http1(options), await http2(options), ...lambda(options)];
}

function handler(): Transport {
  const carrier = new InvocableActivityHandler(conformanceHandlers);
  return {
    name: "handler",
    async send({ document }) {
      try {
        return { body: JSON.stringify(await carrier.handle(asJson(document))) };
      } catch (error) {
        if (!isExternalTaskInputError(error)) throw error;
        return { body: JSON.stringify({ error: "invalid_invocable_request", message: error.message }) };
      }
    },
  };
}

function httpHelper(): Transport {
  return {
    name: "handleInvocableHttpRequest",
    async send(request) {
      return answerOf(await handleInvocableHttpRequest(bodyOf(request), conformanceHandlers));
    },
  };
}

function fetchAdapter(options?: InvocableHttpOptions): Transport {
  const serve = fetchInvocableActivityHandler(conformanceHandlers, options);
  return {
    name: "fetch adapter",
    async send(request) {
      const response = await serve(
        new Request("https://carrier.test/any/path", {
          method: methodOf(request),
          headers: headersOf(request),
          body: hasBody(request) ? bodyOf(request) : null,
        }),
      );
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
    },
  };
}

async function http1(options?: InvocableHttpOptions): Promise<Transport> {
  const server = await listen(createServer(nodeInvocableActivityHandler(conformanceHandlers, options)));
  return {
    name: "node adapter, HTTP/1.1",
    send: (request) =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(server.url, { method: methodOf(request), headers: headersOf(request) }, (response) => {
          collect(response).then(
            (body) => resolve({ status: response.statusCode, headers: single(response.headers), body }),
            reject,
          );
        });
        sent.once("error", reject);
        sent.end(hasBody(request) ? bodyOf(request) : undefined);
      }),
    close: () => server.close(),
  };
}

async function http2(options?: InvocableHttpOptions): Promise<Transport> {
  const server = await listen(createHttp2Server(nodeInvocableActivityHandler(conformanceHandlers, options)));
  const session = connect(server.url);
  return {
    name: "node adapter, HTTP/2",
    send: (request) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":method": methodOf(request), ...headersOf(request) });
        stream.once("error", reject);
        stream.once("response", (headers) => {
          collect(stream).then(
            (body) => resolve({ status: headers[":status"], headers: single(headers), body }),
            reject,
          );
        });
        stream.end(hasBody(request) ? bodyOf(request) : undefined);
      }),
    async close() {
      session.close();
      await server.close();
    },
  };
}

function lambda(options?: InvocableHttpOptions): readonly Transport[] {
  const invoke = lambdaInvocableActivityHandler(conformanceHandlers, options);
  const through = (name: string, toEvent: (request: ConformanceRequest) => unknown): Transport => ({
    name,
    async send(request) {
      const { statusCode, headers, multiValueHeaders, body } = (await invoke(toEvent(request))) as LambdaHttpResult;
      const flat = Object.entries(multiValueHeaders ?? {}).map(([key, values]) => [key, values.join(", ")]);
      return { status: statusCode, headers: { ...headers, ...Object.fromEntries(flat) }, body };
    },
  });
  return [
    through("Lambda, REST API (v1)", (request) => restApiEvent(parts(request))),
    through("Lambda, HTTP API (v2) and Function URL", (request) => httpApiEvent(parts(request))),
    through("Lambda, load balancer", (request) => applicationLoadBalancerEvent(parts(request))),
    through("Lambda, load balancer with lists", (request) => applicationLoadBalancerEvent(parts(request), true)),
  ];
}

function directLambda(): Transport {
  const invoke = lambdaInvocableActivityHandler(conformanceHandlers);
  return {
    name: "Lambda, direct",
    async send({ document }) {
      const result = await invoke(asJson(document));
      if (!("statusCode" in result)) return { body: JSON.stringify(result) };
      return { status: result.statusCode, headers: result.headers, body: result.body };
    },
  };
}

function parts(request: ConformanceRequest): EventParts {
  return { method: methodOf(request), headers: headersOf(request), body: hasBody(request) ? bodyOf(request) : null };
}

function methodOf({ method = "POST" }: ConformanceRequest): string {
  return method;
}

function headersOf({ headers }: ConformanceRequest): Record<string, string> {
  return { "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE, ...headers };
}

function hasBody({ document, body }: ConformanceRequest): boolean {
  return document !== undefined || body !== undefined;
}

function bodyOf({ document, body }: ConformanceRequest): string | Uint8Array {
  return body ?? JSON.stringify(document);
}

/** The document as it arrives: through JSON. */
function asJson(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document));
}

function answerOf({ statusCode, headers, body }: InvocableHttpResponse): Answer {
  return { status: statusCode, headers, body };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function single(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
