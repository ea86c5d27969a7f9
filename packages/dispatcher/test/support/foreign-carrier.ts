import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";

// The plainest possible HTTP server that serves activities: it shares no code with this repository.

/** A document whose parts are looked into without much ado. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = Readonly<Record<string, any>>;

export interface ReceivedTask {
  readonly envelope: Json;
  readonly headers: IncomingHttpHeaders;
}

/** What the server does with a task; what it returns is the result's payload. */
export type ForeignHandler = (task: Json, answer: ServerResponse, request: IncomingMessage) => unknown;

export interface ForeignCarrier extends Loopback {
  readonly received: ReceivedTask[];
}

export function resultFor(envelope: Json, payload: unknown): Json {
  const { id, kind, attempt, idempotency_key } = envelope["task"];
  return {
    schema: "durable-workflow.v2.external-task-result",
    version: 1,
    outcome: { status: "succeeded", recorded: false },
    task: { id, kind, attempt, idempotency_key },
    result: { payload, metadata: { content_type: "application/vnd.durable-workflow.result+json" } },
    metadata: { handler: envelope["task"].handler, carrier: "foreign", duration_ms: 0 },
  };
}

export function failureFor(envelope: Json, failure: Json, retryable: boolean): Json {
  const { result: _, ...rest } = resultFor(envelope, null);
  return {
    ...rest,
    outcome: { status: "failed", retryable, recorded: false },
    failure: {
      kind: "application",
      classification: "application_error",
      message: "it failed",
      type: "LampOffline",
      stack_trace: null,
      timeout_type: null,
      cancelled: false,
      details: null,
      ...failure,
    },
  };
}

/** `"done"`, as the codec has it. */
export const DONE = { codec: "avro", blob: "wwHioz3/VYAiNwoIZG9uZQ==" };

async function answerTask(
  envelope: Json,
  handle: ForeignHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const payload = await handle(envelope, response, request);
  if (response.headersSent || response.destroyed || payload === undefined) return;
  response.writeHead(200, { "content-type": "application/vnd.durable-workflow.external-task-result+json" });
  response.end(JSON.stringify(resultFor(envelope, payload)));
}

export async function startForeignCarrier(handle: ForeignHandler = () => DONE, port = 0): Promise<ForeignCarrier> {
  const received: ReceivedTask[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      if (!text.startsWith("{")) {
        response.writeHead(400).end('{"error":"invalid_invocable_request","message":"not a task"}');
        return;
      }
      const envelope = JSON.parse(text) as Json;
      received.push({ envelope, headers: request.headers });
      void answerTask(envelope, handle, request, response);
    });
  });
  server.keepAliveTimeout = 60_000;
  return { ...(await listen(server, port)), received };
}
