import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { decodePayload } from "@durable-workflow/carrier/payload";
import { EXTERNAL_TASK_RESULT_SCHEMA } from "@durable-workflow/carrier/protocol";

/** A task that was received whole, and the connection on which it waits for an answer. */
export interface Received {
  readonly socket: Socket;
  readonly id: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly arguments: readonly unknown[];
}

/** Answers a task in whatever way. */
export type Answerer = (task: Received) => void;

const HEAD_END = Buffer.from("\r\n\r\n");

/** A carrier that speaks HTTP byte by byte, so that it can do so badly. */
export class RawCarrier {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly timers = new Set<NodeJS.Timeout>();

  /** @param answer is called for each task; what it throws is for the test to hear */
  constructor(answer: Answerer) {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.sockets.delete(socket));
      let held: Buffer = Buffer.alloc(0);
      socket.on("data", (chunk) => {
        held = Buffer.concat([held, chunk]);
        for (;;) {
          const request = requestIn(held);
          if (request === undefined) return;
          held = held.subarray(request.end);
          answer({ socket, ...taskIn(request.body) });
        }
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function requestIn(bytes: Buffer): { readonly body: string; readonly end: number } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
  const start = headEnd + HEAD_END.length;
  return bytes.length < start + length
    ? undefined
    : { body: bytes.toString("utf8", start, start + length), end: start + length };
}

interface InputEnvelope {
  readonly task: { readonly id: string; readonly attempt: number; readonly idempotency_key: string };
  readonly payloads: { readonly arguments: Parameters<typeof decodePayload>[0] };
}

function taskIn(body: string): Omit<Received, "socket"> {
  const { task, payloads } = JSON.parse(body) as InputEnvelope;
  return {
    id: task.id,
    attempt: task.attempt,
    idempotencyKey: task.idempotency_key,
    arguments: decodePayload(payloads.arguments) as readonly unknown[],
  };
}

/** A result envelope for a task, with these changes to it. */
export function resultFor({ id, attempt, idempotencyKey }: Received, more: object): Record<string, unknown> {
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: 1,
    outcome: { status: "succeeded", recorded: true },
    task: { id, kind: "activity_task", attempt, idempotency_key: idempotencyKey },
    metadata: {},
    ...more,
  };
}
