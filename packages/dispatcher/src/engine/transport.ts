import { parseTimestamp } from "@durable-workflow/carrier/protocol";
import { textField } from "@durable-workflow/engine-protocol";
import { type LeanText, wholeText, withoutLargeBlobs } from "../net/blob-bytes.js";
import type { Proxies } from "../net/proxies.js";
import type { StopSignal } from "../time/call-off.js";
import { type Clock, timerDelay } from "../time/clock.js";
import { type BrokenReply, type EngineAnswer, readReply } from "./reply.js";
import type { ServerClock } from "./server-clock.js";
import { type EngineWire, HttpWire, type WireAnswer, type WireRequest } from "./wire.js";

const NO_BLOBS: ReadonlyMap<string, Buffer> = new Map();

export interface EngineRequest extends WireRequest {
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
  /** Default: HTTP. */
  readonly wire?: EngineWire | undefined;
}

/** One request to the engine, one answer; every way in which that can go wrong is an answer too. */
export class EngineTransport {
  private readonly wire: EngineWire;
  private readonly clock: Clock;
  private readonly serverClock: ServerClock;
  private readonly scrub: (text: string) => string;

  constructor({ serverUrl, tlsVerify, clock, serverClock, scrub, proxies, wire }: EngineTransportOptions) {
    this.clock = clock;
    this.serverClock = serverClock;
    this.scrub = scrub;
    this.wire = wire ?? new HttpWire(serverUrl, tlsVerify, proxies);
  }

  /** Never rejects. */
  async send(request: EngineRequest): Promise<EngineAnswer> {
    const { clock } = this;
    const { timeoutMs, signal } = request;
    if (signal?.aborted === true) return broken("aborted");
    const sentAt = clock.monotonic();
    let headAt: number | undefined;
    const exchange = this.wire.ask(request, () => {
      headAt = clock.monotonic();
    });
    const callOff = (): void => exchange.callOff();
    signal?.addEventListener("abort", callOff, { once: true });
    let timedOut = false;
    // One timer for both parts: most answers come whole long before it.
    let ofBody = false;
    const timeUp = (): void => {
      if (headAt === undefined || ofBody) {
        timedOut = true;
        callOff();
        return;
      }
      ofBody = true;
      cancelTimer = clock.schedule(timerDelay(headAt + timeoutMs - clock.monotonic()), timeUp);
    };
    let cancelTimer = clock.schedule(timerDelay(timeoutMs), timeUp);
    try {
      return this.read(await exchange.answer, sentAt, headAt ?? clock.monotonic());
    } catch (error) {
      return broken(timedOut ? "timeout" : reasonOf(error));
    } finally {
      cancelTimer();
      signal?.removeEventListener("abort", callOff);
    }
  }

  /** @param sentAt, receivedAt when the request left and the answer's head came, monotonic */
  private read(answer: WireAnswer, sentAt: number, receivedAt: number): EngineAnswer {
    try {
      return this.readHeld(answer, sentAt, receivedAt);
    } finally {
      // What of it stays bytes is held by what it belongs to.
      if ("lent" in answer.read) answer.read.lent?.release();
    }
  }

  private readHeld({ head, read }: WireAnswer, sentAt: number, receivedAt: number): EngineAnswer {
    const { serverClock } = this;
    const { status, date, retryAfter } = head;
    const dateMs = this.serverClock.observe(date, sentAt, receivedAt);
    if (status >= 300 && status < 400) return broken("redirect", status);
    if ("problem" in read && read.problem !== undefined) {
      const why = read.problem === "too_large" || read.problem === "cut_off" ? read.problem : "not_json";
      return broken(why, status);
    }
    const lean = "text" in read ? { text: read.text, blobs: NO_BLOBS } : withoutLargeBlobs(read.bytes, read.lent);
    if (lean === undefined) return broken("not_json", status);
    const shown: LeanText = status < 300 ? lean : { text: this.scrub(wholeText(lean)), blobs: NO_BLOBS };
    // A date is the engine's, as leases are; this machine's clock may be wrong.
    const reply = readReply(status, shown, retryAfter, retryAfter === undefined ? 0 : serverClock.earliest());
    if (reply.kind !== "reply") return reply;
    const time = textField(reply.body, "server_time");
    const timeMs = time === undefined ? undefined : parseTimestamp(time);
    if (timeMs !== undefined) serverClock.observeOwn(timeMs, sentAt, receivedAt);
    return dateMs === undefined ? reply : { dateMs, ...reply };
  }

  /** Ends the connections, those in use included. */
  async close(): Promise<void> {
    await this.wire.close();
  }
}

function broken(why: BrokenReply["why"], status: number | null = null): BrokenReply {
  return { kind: "broken", why, status, retryAfterMs: undefined };
}

function reasonOf(error: unknown): BrokenReply["why"] {
  const name = error instanceof Error ? error.name : "";
  return name === "AbortError" ? "aborted" : name.endsWith("TimeoutError") ? "timeout" : "unreachable";
}
