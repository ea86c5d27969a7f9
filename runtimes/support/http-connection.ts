import { Agent, request } from "node:http";
import type { RunningPlatform, RuntimeAnswer, RuntimeConnection, SentRequest } from "./platform.js";

/** A platform that speaks HTTP: each connection is one of TCP. */
export function overHttp(url: string, readUrl: string, stop: () => Promise<void>): RunningPlatform {
  return { connect: () => new HttpConnection(url, readUrl), stop };
}

class HttpConnection implements RuntimeConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** The socket of the request before, for each server. */
  private readonly last = new Map<string, unknown>();
  private readonly url: string;
  private readonly readUrl: string;

  constructor(url: string, readUrl: string) {
    this.url = url;
    this.readUrl = readUrl;
  }

  send({ method, headers, body, read, chunked, leaveAfterMs }: SentRequest): Promise<RuntimeAnswer | undefined> {
    return new Promise((resolve, reject) => {
      const length = body === undefined || chunked === true ? {} : { "content-length": String(body.length) };
      const target = read === true ? this.readUrl : this.url;
      const { origin } = new URL(target);
      const sent = request(target, {
        method,
        agent: this.agent,
        headers: { ...headers, ...length },
      });
      let hasLeft = false;
      if (leaveAfterMs !== undefined) {
        setTimeout(() => {
          hasLeft = true;
          sent.destroy();
          resolve(undefined);
        }, leaveAfterMs);
      }
      sent.on("error", (error) => {
        if (!hasLeft) reject(error);
      });
      let isReused = false;
      sent.once("socket", (socket) => {
        // A new server is met for the first time.
        isReused = (this.last.get(origin) ?? socket) === socket;
        this.last.set(origin, socket);
      });
      sent.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const single = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
          resolve({
            isReused,
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(single) as Record<string, string>,
            body: Buffer.concat(chunks).toString(),
          });
        });
      });
      if (body === undefined) sent.end();
      else if (chunked === true) sendInPieces(sent, body);
      else sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

function sendInPieces(sent: ReturnType<typeof request>, body: Uint8Array): void {
  const half = Math.ceil(body.length / 2);
  sent.write(body.subarray(0, half));
  setImmediate(() => {
    sent.write(body.subarray(half));
    sent.end();
  });
}
