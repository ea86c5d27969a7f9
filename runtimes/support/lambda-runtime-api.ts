import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a function made of one event. */
export type Invocation =
  | { readonly result: unknown; readonly error?: never }
  /** The function threw: AWS sees a failure. */
  | { readonly error: { readonly errorType: string; readonly errorMessage: string } };

interface Waiting {
  readonly id: string;
  readonly event: unknown;
  readonly done: (invocation: Invocation) => void;
}

const DEADLINE_MS = 60_000;

/**
 * The Runtime API that Lambda gives to runtimes, as its documentation has it: the next event is fetched, and its result, or
 * its error, posted. One event at a time, as Lambda does it.
 */
export class LambdaRuntimeApi {
  private readonly server = createServer((request, response) => {
    void this.answer(request, response);
  });
  private readonly queue: Waiting[] = [];
  private readonly running = new Map<string, Waiting>();
  private asking: ServerResponse | undefined;
  private failure: string | undefined;

  /** @returns host and port, as `AWS_LAMBDA_RUNTIME_API` has them */
  async listen(): Promise<string> {
    // The runtime asks when it is done, however long that takes.
    this.server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => {
      this.server.listen(0, "127.0.0.1", resolve);
    });
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  invoke(event: unknown): Promise<Invocation> {
    return new Promise((done) => {
      if (this.failure !== undefined)
        return done({ error: { errorType: "Runtime.ExitError", errorMessage: this.failure } });
      this.queue.push({ id: randomUUID(), event, done });
      this.serveNext();
    });
  }

  /** No runtime will ask any more. */
  fail(why: string): void {
    this.failure = why;
    const error = { errorType: "Runtime.ExitError", errorMessage: why };
    for (const { done } of [...this.queue.splice(0), ...this.running.values()]) done({ error });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = "", kind] = /^\/2018-06-01\/runtime\/invocation\/(?:([^/]+)\/)?(\w+)$/.exec(request.url ?? "") ?? [];
    if (kind === "next") {
      this.asking = response;
      this.serveNext();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const document: unknown = JSON.parse(Buffer.concat(chunks).toString());
    const waiting = this.running.get(decodeURIComponent(id));
    response.writeHead(waiting === undefined ? 400 : 202, { "content-type": "application/json" }).end("{}");
    this.running.delete(id);
    waiting?.done(kind === "response" ? { result: document } : { error: document as NonNullable<Invocation["error"]> });
  }

  private serveNext(): void {
    const { asking } = this;
    const next = asking === undefined ? undefined : this.queue.shift();
    if (asking === undefined || next === undefined) return;
    this.asking = undefined;
    this.running.set(next.id, next);
    asking
      .writeHead(200, {
        "content-type": "application/json",
        "lambda-runtime-aws-request-id": next.id,
        "lambda-runtime-deadline-ms": String(Date.now() + DEADLINE_MS),
        "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-central-1:123456789012:function:carrier",
        "lambda-runtime-trace-id": "Root=1-0-0",
      })
      .end(JSON.stringify(next.event));
  }
}
