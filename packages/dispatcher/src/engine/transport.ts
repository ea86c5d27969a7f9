import { parseTimestamp } from "@durable-workflow/carrier/protocol";
import { textField } from "@durable-workflow/engine-protocol";
import type { Dispatcher } from "undici";
import { createAgent } from "../net/agents.js";
import { wholeText, withoutLargeBlobs } from "../net/blob-bytes.js";
import { headerOf, readBoundedBytes } from "../net/bounded-body.js";
import type { Proxies } from "../net/proxies.js";
import { unlessAborted } from "../net/unless-aborted.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import { type Clock, timerDelay } from "../time/clock.js";
import { type BrokenReply, type EngineAnswer, readReply } from "./reply.js";
import type { ServerClock } from "./server-clock.js";

/** More than any answer of an engine: a payload of 2 MiB in base64, and room. */
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;

const NO_BLOBS: ReadonlyMap<string, Buffer> = new Map();

export interface EngineRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** From `/api` on. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** How long to wait for the answer's head, connecting included, and then as long again for its body. */
  readonly timeoutMs: number;
  readonly signal?: StopSignal | undefined;
}

export interface EngineTransportOptions {
  readonly serverUrl: string;
  readonly tlsVerify: boolean;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** Takes credentials out of what an error answer says: a proxy may echo what it was sent. */
  readonly scrub: (text: string) => string;
  /** Default: none. */
  readonly proxies?: Proxies;
}

/** One request to the engine, one answer; every way in which that can go wrong is an answer too. */
export class EngineTransport {
  private readonly agent: Dispatcher;
  private readonly origin: string;
  private readonly basePath: string;
  private readonly clock: Clock;
  private readonly serverClock: ServerClock;
  private readonly scrub: (text: string) => string;

  constructor({ serverUrl, tlsVerify, clock, serverClock, scrub, proxies }: EngineTransportOptions) {
    const url = new URL(serverUrl);
    this.basePath = url.pathname.replace(/\/+$/, "");
    this.clock = clock;
    this.serverClock = serverClock;
    this.scrub = scrub;
    // Each held poll has a connection of its own, so that their number is not limited.
    this.origin = url.origin;
    this.agent = createAgent({ rejectUnauthorized: tlsVerify, timeout: 10_000 }, proxies?.proxyFor(url));
  }

  /** Never rejects. Redirects are not followed. */
  async send(request: EngineRequest): Promise<EngineAnswer> {
    const { timeoutMs, signal } = request;
    const abort = new CallOff();
    const forward = (): void => abort.abort(undefined);
    if (signal?.aborted === true) forward();
    signal?.addEventListener("abort", forward, { once: true });
    let timedOut = false;
    const startTimer = (): (() => void) =>
      this.clock.schedule(timerDelay(timeoutMs), () => {
        timedOut = true;
        abort.abort(undefined);
      });
    let cancelTimer = startTimer();
    try {
      return await this.exchange(request, abort, () => {
        cancelTimer();
        cancelTimer = startTimer();
      });
    } catch (error) {
      return timedOut ? { kind: "broken", why: "timeout", status: null, retryAfterMs: undefined } : broken(error);
    } finally {
      cancelTimer();
      signal?.removeEventListener("abort", forward);
    }
  }

  private async exchange(
    { method, path, headers, body }: EngineRequest,
    signal: StopSignal,
    onHead: () => void,
  ): Promise<EngineAnswer> {
    const sentAt = this.clock.monotonic();
    const request = this.agent.request({
      origin: this.origin,
      method,
      path: this.basePath + path,
      headers,
      ...(body === undefined ? {} : { body }),
      // The caller's own limit counts.
      headersTimeout: 0,
      bodyTimeout: 0,
      signal,
    });
    const response = await unlessAborted(signal, request);
    onHead();
    const receivedAt = this.clock.monotonic();
    const date = headerOf(response.headers, "date");
    this.serverClock.observe(date, sentAt, receivedAt);
    const retryAfter = headerOf(response.headers, "retry-after");
    const encoding = headerOf(response.headers, "content-encoding");
    const limits = { contentEncoding: encoding, limitBytes: ANSWER_LIMIT_BYTES };
    const read = await readBoundedBytes(response.body, limits);
    const status = response.statusCode;
    const lean = read.bytes === undefined ? undefined : withoutLargeBlobs(read.bytes);
    if (lean !== undefined) {
      const shown = status < 300 ? lean : { text: this.scrub(wholeText(lean)), blobs: NO_BLOBS };
      // A date is the engine's, as leases are; this machine's clock may be wrong.
      const reply = readReply(status, shown, retryAfter, this.serverClock.earliest());
      const time = reply.kind === "reply" ? textField(reply.body, "server_time") : undefined;
      const timeMs = time === undefined ? undefined : parseTimestamp(time);
      if (timeMs !== undefined) this.serverClock.observeOwn(timeMs, sentAt, receivedAt);
      const dateMs = date === undefined ? Number.NaN : Date.parse(date);
      return reply.kind === "reply" && !Number.isNaN(dateMs) ? { ...reply, dateMs } : reply;
    }
    const why = read.problem === "too_large" || read.problem === "cut_off" ? read.problem : "not_json";
    return { kind: "broken", why, status, retryAfterMs: undefined };
  }

  /** Ends the connections, those in use included. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

function broken(error: unknown): BrokenReply {
  const name = error instanceof Error ? error.name : "";
  const why = name === "AbortError" ? "aborted" : name.endsWith("TimeoutError") ? "timeout" : "unreachable";
  return { kind: "broken", why, status: null, retryAfterMs: undefined };
}
