import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";
import type { InvocableHttpOptions } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { type LambdaHttpResult, lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { conformanceHandlers } from "@durable-workflow/carrier/testing";
import {
  applicationLoadBalancerEvent,
  type EventParts,
  httpApiEvent,
  restApiEvent,
} from "@durable-workflow/test-support/lambda-events";
import { listen } from "@durable-workflow/test-support/loopback";
import { afterAll } from "vitest";

const closers: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

/** Serves until the end of the test file; gives the URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = await listen(createServer(listener));
  closers.push(() => server.close());
  return `${server.url}/`;
}

export type Handlers = Parameters<typeof nodeInvocableActivityHandler>[0];

/** The library's own carrier, through each of its adapters, behind real sockets. */
export const ADAPTERS: Readonly<
  Record<string, (handlers: Handlers, options?: InvocableHttpOptions) => RequestListener>
> = {
  "node:http": nodeInvocableActivityHandler,

  fetch: (handlers, options) => {
    const answer = fetchInvocableActivityHandler(handlers, options);
    return (request, response) => {
      void buffer(request).then(async (body) => {
        const { method = "GET" } = request;
        const headers = singleHeaders(request);
        const sent = body.length > 0 || method === "POST" ? { body } : {};
        const answered = await answer(new Request("http://carrier.test/", { method, headers, ...sent }));
        response.writeHead(answered.status, Object.fromEntries(answered.headers));
        response.end(await answered.text());
      });
    };
  },

  "Lambda, REST API": lambda(restApiEvent),
  "Lambda, Function URL": lambda(httpApiEvent),
  "Lambda, load balancer": lambda(applicationLoadBalancerEvent),
};

function lambda(toEvent: (parts: EventParts) => unknown) {
  return (handlers: Handlers, options?: InvocableHttpOptions): RequestListener => {
    const invoke = lambdaInvocableActivityHandler(handlers, options);
    return (request, response) => {
      void buffer(request).then(async (body) => {
        const { method = "GET" } = request;
        const result = await invoke(
          toEvent({ method, headers: singleHeaders(request), body: body.length === 0 ? null : body }),
        );
        const answered = result as LambdaHttpResult;
        response.writeHead(answered.statusCode, answered.headers);
        response.end(answered.body);
      });
    };
  };
}

function singleHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** An answer that the library's own carrier would have given, before it is sent. */
export interface PreparedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A carrier in which something is wrong: it answers as the library's own does, changed. */
export function alteredCarrier(
  alter: (
    answer: PreparedAnswer,
    request: { readonly text: string; readonly message: IncomingMessage },
  ) => PreparedAnswer,
  options?: InvocableHttpOptions,
): Promise<string> {
  const answer = fetchInvocableActivityHandler(conformanceHandlers, options);
  return serve((message, response) => {
    void buffer(message).then(async (body) => {
      const { method = "GET" } = message;
      const sent = body.length > 0 || method === "POST" ? { body } : {};
      const right = await answer(
        new Request("http://carrier.test/", { method, headers: singleHeaders(message), ...sent }),
      );
      const prepared = { status: right.status, headers: Object.fromEntries(right.headers), body: await right.text() };
      const altered = alter(prepared, { text: body.toString("utf8"), message });
      response.writeHead(altered.status, altered.headers);
      response.end(altered.body);
    });
  });
}

/** A JSON document that can be changed at any place. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests break documents in ways that no type foresees
export type Mutable = Record<string, any>;

/** The answer with its result envelope changed; others stay as they are. */
export function withResult(answer: PreparedAnswer, change: (result: Mutable) => void): PreparedAnswer {
  if (answer.status !== 200) return answer;
  const result = JSON.parse(answer.body) as Mutable;
  change(result);
  return { ...answer, body: JSON.stringify(result) };
}
