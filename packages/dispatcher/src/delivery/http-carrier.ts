import { Readable } from "node:stream";
import {
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  parseExternalTaskResult,
} from "@durable-workflow/carrier/protocol";
import type { HttpCarrier } from "@durable-workflow/engine-protocol/executor-config";
import type { Dispatcher } from "undici";
import { readRetryAfter } from "../engine/reply.js";
import { type ConnectSettings, createAgent } from "../net/agents.js";
import { type BlobBody, type DeliveryBody, withoutLargeBlobs } from "../net/blob-bytes.js";
import { headerOf, readBoundedBytes } from "../net/bounded-body.js";
import { ConnectionUse } from "../net/connection-use.js";
import { AddressRefusedError, type NetworkGuard } from "../net/guard.js";
import { describeNetworkError } from "../net/network-error.js";
import type { Proxies } from "../net/proxies.js";
import { unlessAborted } from "../net/unless-aborted.js";
import type { Held } from "../payloads/byte-budget.js";
import { type Clock, pause } from "../time/clock.js";
import type { AbortedDelivery, AnswerBody, DeliveryAnswer, HttpAnswer } from "./answer.js";
import { type Authorization, AuthorizerError } from "./authorizer.js";
import type { Credential } from "./credentials.js";
import { Holding, isRetryableStatus, retryDelayMs } from "./retry.js";
import { PausableTimer, type TimeLimit } from "./timeouts.js";

export interface HttpDelivery {
  readonly carrier: HttpCarrier;
  readonly credential: Credential;
  readonly idempotencyKey: string;
  /** The envelope as JSON, made anew for each try: it says when it was sent. */
  readonly body: () => DeliveryBody;
  /** The largest answer, before and after decompression. Default: the deliverer's own. */
  readonly responseLimitBytes?: number | undefined;
  /**
   * Asked for room in memory for an answer that has begun; waiting for it does not count as the carrier's time. Undefined
   * when the delivery was called off meanwhile. Default: there is always room.
   */
  readonly roomFor?: ((bytes: number) => Promise<Held | undefined>) | undefined;
  /** How long a try that begins now may take. */
  readonly limit: () => TimeLimit;
  /** True while the lease and the deadlines leave room for a try that begins so much later. */
  readonly hasRoom: (delayMs: number) => boolean;
  /** Calls the delivery off; the carrier sees its client go. */
  readonly signal: AbortSignal;
  readonly onRetry: (why: string, delayMs: number, tries: number) => void;
  /** Told of what an authorizer said, before it is sent: whoever shows the answer must know it by then. Default: nobody. */
  readonly onSecret?: (secret: string) => void;
}

export interface HttpDelivererOptions {
  readonly clock: Clock;
  readonly guard: NetworkGuard;
  readonly responseLimitBytes: number;
  readonly connectTimeoutMs: number;
  /** Certificates in PEM that carriers' own may be signed by. Default: those that Node trusts. */
  readonly ca?: string | undefined;
  /** Default: none. */
  readonly proxies?: Proxies;
}

const MOST_AGENTS = 50;
/** What an answer counts as that does not say how long it is, until it is longer. */
const UNSAID_BYTES = 8 * 1024 * 1024;

/** What of a try's connection matters for the next one. */
interface Try {
  readonly answer: DeliveryAnswer | AbortedDelivery;
  /** It ended on a connection that had been used before, without a byte of an answer. */
  readonly wasStale: boolean;
  /** What an authorizer said for it. */
  readonly shown: Authorization | undefined;
}

interface Exchange {
  readonly refused: Authorization | undefined;
  readonly onShown: (shown: Authorization) => void;
  readonly abort: AbortSignal;
  readonly timer: PausableTimer;
  readonly use: ConnectionUse;
  readonly tries: number;
  /** On one of its own, which ends with it. */
  readonly onNewConnection: boolean;
}

/** Delivers tasks over HTTP, with the carrier's transport retries. */
export class HttpDeliverer {
  private readonly options: HttpDelivererOptions;
  /** By proxy and client certificate. */
  private readonly agents = new Map<string, Dispatcher>();

  constructor(options: HttpDelivererOptions) {
    this.options = options;
  }

  private createAgent(credential: Credential, proxy: URL | undefined): Dispatcher {
    const { guard, connectTimeoutMs, ca } = this.options;
    const connect: ConnectSettings = {
      lookup: guard.lookup,
      timeout: connectTimeoutMs,
      ...(ca === undefined ? {} : { ca }),
      ...(credential.type === "mtls" ? { cert: credential.cert, key: credential.key } : {}),
    };
    return createAgent(connect, proxy);
  }

  private agentFor(credential: Credential, proxy: URL | undefined): Dispatcher {
    const certificate = credential.type === "mtls" ? `${credential.cert}\n${credential.key}` : "";
    const name = `${proxy?.href ?? ""}\n${certificate}`;
    let agent = this.agents.get(name);
    if (agent === undefined) {
      agent = this.createAgent(credential, proxy);
      this.agents.set(name, agent);
      this.forgetOldest();
    }
    return agent;
  }

  /** Certificates are replaced by new ones: the oldest is done with, once what it has in flight is. */
  private forgetOldest(): void {
    const [oldest] = this.agents;
    if (oldest === undefined || this.agents.size <= MOST_AGENTS) return;
    this.agents.delete(oldest[0]);
    void oldest[1].close();
  }

  /**
   * Delivers a task. Never rejects. The carrier may see it more than once: after transport retries, and after a connection
   * that had been used before broke without an answer, which is repeated once, on a new one. A carrier that answers 429 or
   * 503 with `Retry-After` is tried again when it says, as long as there is room; such a wait does not count as a transport retry.
   * What an authorizer allowed and the carrier refused (401, 403) is sent once more, with what the authorizer then makes anew.
   */
  async deliver(delivery: HttpDelivery): Promise<DeliveryAnswer | AbortedDelivery> {
    const { carrier, signal, hasRoom, onRetry } = delivery;
    const { clock } = this.options;
    const holding = new Holding();
    let onNewConnection = false;
    let refused: Authorization | undefined;
    let wasRefused = false;
    for (let tries = 1; ; ) {
      const { answer, wasStale, shown } = await this.tryOnce(delivery, { tries, onNewConnection, refused });
      if (signal.aborted) return answer;
      refused = undefined;
      if (wasStale && !onNewConnection) {
        onNewConnection = true;
        onRetry("a kept connection was closed before an answer", 0, tries);
        continue;
      }
      onNewConnection = false;
      if (shown !== undefined && !wasRefused && isRefusal(answer) && hasRoom(0)) {
        wasRefused = true;
        refused = shown;
        onRetry(`status ${answer.status}: once more, with fresh credentials`, 0, tries);
        continue;
      }
      const why = retryReason(answer);
      const held = why === undefined || answer.kind !== "http" ? undefined : holding.next(answer.retryAfterMs);
      let delayMs = held;
      if (delayMs === undefined || !hasRoom(delayMs)) {
        delayMs = why === undefined ? undefined : retryDelayMs(carrier.retryPolicy, tries);
        tries++;
      }
      if (why === undefined || delayMs === undefined || !hasRoom(delayMs)) return answer;
      onRetry(why, delayMs, tries);
      await pause(clock, delayMs, signal);
      if (signal.aborted) return { kind: "aborted" };
    }
  }

  private async tryOnce(
    delivery: HttpDelivery,
    facts: Pick<Exchange, "tries" | "onNewConnection" | "refused">,
  ): Promise<Try> {
    const { signal } = delivery;
    const limit = delivery.limit();
    let shown: Authorization | undefined;
    if (limit.ms <= 0) return { answer: { kind: "timeout", limit: limit.name, afterMs: 0 }, wasStale: false, shown };
    const abort = new AbortController();
    let timedOut = false;
    const timer = new PausableTimer(this.options.clock, limit.ms, () => {
      timedOut = true;
      abort.abort();
    });
    const forward = (): void => abort.abort();
    signal.addEventListener("abort", forward, { once: true });
    const use = new ConnectionUse();
    let wasStale = false;
    let answer: DeliveryAnswer | AbortedDelivery;
    try {
      answer = signal.aborted
        ? { kind: "aborted" }
        : await this.exchange(delivery, {
            ...facts,
            abort: abort.signal,
            timer,
            use,
            onShown: (authorization) => {
              shown = authorization;
            },
          });
    } catch (error) {
      wasStale = !abort.signal.aborted && isReset(error) && use.endedBeforeAnswer;
      answer = failedTry(error, facts.tries);
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", forward);
    }
    if (signal.aborted) answer = { kind: "aborted" };
    else if (timedOut) answer = { kind: "timeout", limit: limit.name, afterMs: limit.ms };
    return { answer, wasStale, shown };
  }

  private async exchange(
    delivery: HttpDelivery,
    { abort, timer, use, tries, onNewConnection, refused, onShown }: Exchange,
  ): Promise<DeliveryAnswer | AbortedDelivery> {
    const { clock, guard, proxies } = this.options;
    const { carrier, credential } = delivery;
    const url = new URL(carrier.url);
    const proxy = proxies?.proxyFor(url);
    if (proxy === undefined) guard.checkUrl(url);
    else await unlessAborted(abort, guard.checkBehindProxy(url));
    const { headers, body, shown } = await composed(delivery, url, { abort, refused });
    if (shown !== undefined) onShown(shown);
    const agent = onNewConnection ? this.createAgent(credential, proxy) : this.agentFor(credential, proxy);
    try {
      const begin = (): Promise<Dispatcher.ResponseData> =>
        agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: "POST",
          headers: typeof body === "string" ? headers : { ...headers, "content-length": String(body.bytes) },
          body: typeof body === "string" ? body : streamed(body),
          signal: abort,
        });
      const response = await unlessAborted(abort, use.watch(begin));
      const status = response.statusCode;
      const read = await this.readAnswer(response, delivery, timer);
      if (read === undefined) return { kind: "aborted" };
      if ("problem" in read && read.problem === "cut_off")
        return { kind: "unreachable", why: "the answer was cut off", tries };
      const asks = status === 429 || status === 503;
      const retryAfterMs = asks ? readRetryAfter(headerOf(response.headers, "retry-after"), clock.now()) : undefined;
      // Whoever says when to come again is not done with the task, whatever the policy counts as temporary.
      const temporary = retryAfterMs !== undefined || isRetryableStatus(carrier.retryPolicy, status);
      return { kind: "http", status, body: read, temporary, retryAfterMs };
    } finally {
      if (onNewConnection) void agent.destroy();
    }
  }

  /** Undefined when the delivery was called off before there was room. */
  private async readAnswer(
    { headers, body }: Dispatcher.ResponseData,
    { responseLimitBytes: limitBytes = this.options.responseLimitBytes, roomFor }: HttpDelivery,
    timer: PausableTimer,
  ): Promise<AnswerBody | undefined> {
    const said = headerOf(headers, "content-length");
    const expectedBytes = said !== undefined && /^\d{1,15}$/.test(said) ? Number(said) : undefined;
    timer.pause();
    const held = await roomFor?.(Math.min(expectedBytes ?? UNSAID_BYTES, limitBytes));
    timer.resume();
    if (roomFor !== undefined && held === undefined) {
      body.on("error", () => undefined).destroy();
      return undefined;
    }
    const contentEncoding = headerOf(headers, "content-encoding");
    const onBytes = (bytes: number): void => held?.grow(bytes);
    const read = await readBoundedBytes(body, { contentEncoding, limitBytes, expectedBytes, onBytes });
    if (read.bytes === undefined) {
      held?.release();
      return read;
    }
    held?.grow(read.bytes.length);
    held?.shrink(read.bytes.length);
    return withoutLargeBlobs(read.bytes) ?? { problem: "not_utf8" };
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.agents.values(), (agent) => agent.destroy()));
  }
}

interface Composed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: DeliveryBody;
  readonly shown: Authorization | undefined;
}

/** What is sent, with what the credential adds to it. @throws {AuthorizerError} */
async function composed(
  { credential, body: makeBody, idempotencyKey, onSecret }: HttpDelivery,
  url: URL,
  { abort, refused }: Pick<Exchange, "abort" | "refused">,
): Promise<Composed> {
  const document = makeBody();
  const headers = {
    "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
    accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
    "idempotency-key": idempotencyKey,
    ...(credential.type === "bearer" ? { authorization: `Bearer ${credential.token}` } : {}),
  };
  if (credential.type !== "authorized") return { headers, body: document, shown: undefined };
  // A signature is over the whole of it.
  const body = typeof document === "string" ? document : Buffer.concat(document.chunks).toString();
  const shown = await unlessAborted(
    abort,
    credential.authorize({ method: "POST", url, headers, body, refused, signal: abort }),
  );
  for (const secret of shown.secrets) onSecret?.(secret);
  return { headers: { ...headers, ...shown.headers }, body, shown };
}

function failedTry(error: unknown, tries: number): DeliveryAnswer {
  if (error instanceof AddressRefusedError) return { kind: "refused", code: "address_refused", message: error.message };
  if (error instanceof AuthorizerError) {
    return { kind: "refused", code: "credential_unavailable", message: error.message };
  }
  return { kind: "unreachable", why: describeNetworkError(error), tries };
}

/** Whether a carrier, or what stands before it, will not have what it was shown. */
function isRefusal(answer: DeliveryAnswer | AbortedDelivery): answer is HttpAnswer {
  if (answer.kind !== "http" || (answer.status !== 401 && answer.status !== 403)) return false;
  return !("text" in answer.body && isResult(answer.body.text));
}

/** Why another try makes sense; undefined when the answer stands. A result that came with a bad status stands. */
function retryReason(answer: DeliveryAnswer | AbortedDelivery): string | undefined {
  if (answer.kind === "unreachable") return answer.why;
  if (answer.kind !== "http" || !answer.temporary) return undefined;
  return "text" in answer.body && isResult(answer.body.text) ? undefined : `status ${answer.status}`;
}

function isResult(text: string): boolean {
  try {
    parseExternalTaskResult(JSON.parse(text));
    return true;
  } catch {
    return false;
  }
}

/** Piece by piece, without a copy of the whole. */
function streamed({ chunks }: BlobBody): Readable {
  return Readable.from(chunks, { objectMode: false });
}

/** Whether a connection was ended by the other side. */
function isReset(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET";
}
