import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";

/** What becomes of one request. */
export type Harm =
  | { readonly kind: "cut_before" } // the engine never sees it, and the connection is reset
  | { readonly kind: "cut_after" } // the engine has done it, and the connection is reset
  | { readonly kind: "truncate" } // the engine has done it, and half of its answer comes
  | { readonly kind: "hold"; readonly ms: number } // the engine sees it so late
  | { readonly kind: "silence" } // the engine has done it, and nothing comes
  | { readonly kind: "pass"; readonly headers?: Readonly<Record<string, string>> } // nothing, but for headers of the answer
  | {
      // another answer, whether the engine has done it or not
      readonly kind: "answer";
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly acts?: boolean;
    };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly at: number;
}

type Match = (seen: Seen) => boolean;

export const isStart: Match = ({ method, path }) => method === "POST" && /^\/api\/activities(?:\?|$)/.test(path);
export const isDescribe: Match = ({ method, path }) =>
  method === "GET" && /^\/api\/activities\/[^/?]+(?:\?|$)/.test(path);

/** A proxy before a real engine that harms the requests it is told to, once each, in their order. */
export class HarmProxy {
  readonly seen: Seen[] = [];
  private readonly planned: { readonly match: Match; readonly harm: Harm; readonly always: boolean }[] = [];
  private readonly target: string;
  private server: Loopback | undefined;

  constructor(target: string) {
    this.target = target;
  }

  async start(): Promise<string> {
    this.server = await listen(
      createServer((request, response) => {
        this.pass(request, response).catch(() => response.destroy());
      }),
    );
    return this.server.url;
  }

  async stop(): Promise<void> {
    await this.server?.close();
  }

  next(match: Match, ...harms: readonly Harm[]): this {
    for (const harm of harms) this.planned.push({ match, harm, always: false });
    return this;
  }

  always(match: Match, harm: Harm): this {
    this.planned.push({ match, harm, always: true });
    return this;
  }

  heal(): void {
    this.planned.length = 0;
  }

  count(match: Match): number {
    return this.seen.filter(match).length;
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const { method = "", url: path = "", headers } = request;
    const body = Buffer.concat(chunks);
    const seen: Seen = { method, path, headers, body: body.toString("latin1"), at: performance.now() };
    this.seen.push(seen);
    const harm = this.take(seen);
    switch (harm.kind) {
      case "cut_before":
        request.socket.destroy();
        return;
      case "answer": {
        if (harm.acts === true) await forward(this.target, seen, body);
        response.writeHead(harm.status, { "content-type": "application/json", ...harm.headers });
        response.end(harm.body ?? "");
        return;
      }
      case "hold":
        await new Promise((resolve) => {
          awakeClock.schedule(harm.ms, () => resolve(undefined));
        });
        break;
      case "cut_after":
      case "truncate":
      case "silence":
      case "pass":
        break;
    }
    const answer = await forward(this.target, seen, body);
    if (harm.kind === "cut_after") request.socket.destroy();
    else if (harm.kind === "truncate") {
      response.writeHead(answer.status, { ...answer.headers, "content-length": String(answer.body.length) });
      response.write(answer.body.subarray(0, answer.body.length >> 1), () => request.socket.destroy());
    } else if (harm.kind !== "silence") {
      const more = harm.kind === "pass" ? harm.headers : {};
      response.writeHead(answer.status, { ...answer.headers, ...more });
      response.end(answer.body);
    }
  }

  private take(seen: Seen): Harm {
    const index = this.planned.findIndex(({ match }) => match(seen));
    const found = this.planned[index];
    if (found === undefined) return { kind: "pass" };
    if (!found.always) this.planned.splice(index, 1);
    return found.harm;
  }
}

interface Forwarded {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

function forward(target: string, { method, path, headers }: Seen, body: Buffer): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(target + path, { method, headers: { ...headers, connection: "close" } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const kept = Object.entries(response.headers).filter(
          ([name]) => !["connection", "keep-alive", "transfer-encoding", "content-length"].includes(name),
        );
        const single = kept.map(([name, value]) => [name, String(value)] as const);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(single),
          body: Buffer.concat(chunks),
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}
