import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type EngineCall, type InsteadOfAnswer, type Interference, type Json, verbOf } from "./engine-calls.js";
import { type Loopback, listen } from "./loopback.js";
import { type RawResponse, send } from "./send.js";

/** What an engine answered to a call. */
export interface EngineReply {
  readonly status: number;
  readonly body: Json;
}

export interface GatewayOptions {
  /** Where the engine is now; undefined while it is nowhere. */
  readonly target: () => string | undefined;
  /** Told of every answer of the engine, whether or not it is passed on; holds it back while it waits, cuts it off when it throws. */
  readonly onReply?: (call: EngineCall, reply: EngineReply) => unknown;
  /** The `Date` of answers, in milliseconds since the epoch. Default: what the engine says. */
  readonly now?: () => number;
}

/** Of one hop only, as RFC 9110 has it. */
const HOP_HEADERS: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);

/**
 * An HTTP proxy before a real engine. It changes nothing by itself: it sees what workers send and what the engine answers,
 * and a test can put another answer in the place of the engine's, as what stands before an engine can.
 */
export class Gateway {
  readonly calls: EngineCall[] = [];
  /** Whether calls are kept. */
  keepCalls = true;
  interfere: Interference = () => undefined;
  heldPolls = 0;
  private readonly options: GatewayOptions;
  private server: Loopback | undefined;

  constructor(options: GatewayOptions) {
    this.options = options;
  }

  async start(): Promise<Loopback> {
    const server = createServer((request, response) => {
      // Whoever is cut off on one side is cut off on the other.
      this.receive(request, response).catch(() => response.destroy());
    });
    server.keepAliveTimeout = 60_000;
    this.server = await listen(server);
    return this.server;
  }

  get url(): string {
    return this.server?.url ?? "";
  }

  async stop(): Promise<void> {
    await this.server?.close();
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const text = Buffer.concat(chunks).toString("utf8");
    const { method = "", url: path = "", headers } = request;
    const call = { method, path, verb: verbOf(method, path), headers, body: jsonOf(text) };
    if (this.keepCalls) this.calls.push(call);
    const instead = this.interfere(call);
    if (instead !== undefined && instead.acts !== true) {
      this.answerInstead(response, instead);
      return;
    }
    const reply = await this.forward(call, text, response);
    await this.options.onReply?.(call, { status: reply.status, body: jsonOf(reply.text) });
    if (instead !== undefined) this.answerInstead(response, instead);
    else this.passOn(reply, response);
  }

  private async forward(call: EngineCall, body: string, response: ServerResponse): Promise<RawResponse> {
    const target = this.options.target();
    if (target === undefined) throw new Error("the engine is nowhere");
    const isPoll = call.verb === "poll";
    const gone = new AbortController();
    // Of a poll the engine must know that nobody waits for it any more. Whatever else was asked is done.
    if (isPoll) response.once("close", () => gone.abort());
    if (isPoll) this.heldPolls++;
    try {
      const { method, path } = call;
      const withBody = body === "" ? {} : { body };
      return await send(target, { method, path, headers: singles(call.headers), ...withBody, signal: gone.signal });
    } finally {
      if (isPoll) this.heldPolls--;
    }
  }

  private get date(): { readonly date?: string } {
    const { now } = this.options;
    return now === undefined ? {} : { date: new Date(now()).toUTCString() };
  }

  private answerInstead(response: ServerResponse, { status, headers, body }: InsteadOfAnswer): void {
    response.writeHead(status, { "content-type": "application/json", ...this.date, ...headers });
    response.end(body);
  }

  private passOn(reply: RawResponse, response: ServerResponse): void {
    const headers = { ...singles(reply.headers), ...this.date };
    response.writeHead(reply.status, { ...headers, "content-length": String(Buffer.byteLength(reply.text)) });
    response.end(reply.text);
  }
}

function singles(headers: IncomingMessage["headers"]): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || HOP_HEADERS.has(name) ? [] : [[name, String(value)] as const],
  );
  return Object.fromEntries(entries);
}

/** What cannot be read is for the other side to refuse. */
function jsonOf(text: string): Json {
  try {
    return (text === "" ? {} : JSON.parse(text)) as Json;
  } catch {
    return {};
  }
}
