import { Pool } from "undici";
import { headerOf, readBoundedBody } from "../net/bounded-body.js";
import type { Clock } from "../time/clock.js";
import { type BrokenReply, type EngineAnswer, readReply } from "./reply.js";
import type { ServerClock } from "./server-clock.js";

/** More than any answer of an engine: a payload of 2 MiB in base64, and room. */
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;

export interface EngineRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** From `/api` on. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long to wait for the answer's head. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineTransportOptions {
  readonly serverUrl: string;
  readonly tlsVerify: boolean;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** Takes credentials out of what an error answer says: a proxy may echo what it was sent. */
  readonly scrub: (text: string) => string;
}

/** One request to the engine, one answer; every way in which that can go wrong is an answer too. */
export class EngineTransport {
  private readonly pool: Pool;
  private readonly basePath: string;
  private readonly clock: Clock;
  private readonly serverClock: ServerClock;
  private readonly scrub: (text: string) => string;

  constructor({ serverUrl, tlsVerify, clock, serverClock, scrub }: EngineTransportOptions) {
    const url = new URL(serverUrl);
    this.basePath = url.pathname.replace(/\/+$/, "");
    this.clock = clock;
    this.serverClock = serverClock;
    this.scrub = scrub;
    // Each held poll has a connection of its own, so that their number is not limited.
    this.pool = new Pool(url.origin, { connect: { rejectUnauthorized: tlsVerify, timeout: 10_000 } });
  }

  /** Never rejects. Redirects are not followed. */
  async send({ method, path, headers, body, timeoutMs, signal }: EngineRequest): Promise<EngineAnswer> {
    const sentAt = this.clock.monotonic();
    try {
      const response = await this.pool.request({
        method,
        path: this.basePath + path,
        headers,
        ...(body === undefined ? {} : { body }),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      this.serverClock.observe(headerOf(response.headers, "date"), sentAt, this.clock.monotonic());
      const retryAfter = headerOf(response.headers, "retry-after");
      const encoding = headerOf(response.headers, "content-encoding");
      const read = await readBoundedBody(response.body, encoding, ANSWER_LIMIT_BYTES);
      const status = response.statusCode;
      if (read.problem === undefined) {
        const text = status < 300 ? read.text : this.scrub(read.text);
        return readReply(status, text, retryAfter, this.clock.now());
      }
      const why = read.problem === "too_large" || read.problem === "cut_off" ? read.problem : "not_json";
      return { kind: "broken", why, status, retryAfterMs: undefined };
    } catch (error) {
      return broken(error);
    }
  }

  /** Ends the connections, those in use included. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

function broken(error: unknown): BrokenReply {
  const name = error instanceof Error ? error.name : "";
  const why = name === "AbortError" ? "aborted" : name.endsWith("TimeoutError") ? "timeout" : "unreachable";
  return { kind: "broken", why, status: null, retryAfterMs: undefined };
}
