import { Readable } from "node:stream";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import type { HttpCarrier } from "@durable-workflow/engine-protocol/executor-config";
import type { Dispatcher } from "undici";
import { readRetryAfter } from "../engine/reply.js";
import { type BlobBody, type DeliveryBody, withoutLargeBlobs } from "../net/blob-bytes.js";
import { headerOf, readBoundedBytes } from "../net/bounded-body.js";
import type { ConnectionUse } from "../net/connection-use.js";
import type { NetworkGuard } from "../net/guard.js";
import type { Proxies } from "../net/proxies.js";
import { unlessAborted } from "../net/unless-aborted.js";
import type { Held } from "../payloads/byte-budget.js";
import type { CallOff, StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import type { AbortedDelivery, AnswerBody, DeliveryAnswer } from "./answer.js";
import type { Authorization } from "./authorizer.js";
import type { Credential } from "./credentials.js";
import type { HttpAgents } from "./http-agents.js";
import { isRetryableStatus } from "./retry.js";
import type { PausableTimer, TimeLimit } from "./timeouts.js";

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
  readonly signal: StopSignal;
  readonly onRetry: (why: string, delayMs: number, tries: number) => void;
  /** Told each time that nothing could be sent, and the task is held. Default: nobody is. */
  readonly onUnreached?: (() => void) | undefined;
  /** Told of what an authorizer said, before it is sent: whoever shows the answer must know it by then. Default: nobody. */
  readonly onSecret?: (secret: string) => void;
}

export interface HttpExchangesOptions {
  readonly clock: Clock;
  readonly guard: NetworkGuard;
  readonly agents: HttpAgents;
  readonly responseLimitBytes: number;
  /** Default: none. */
  readonly proxies?: Proxies | undefined;
}

/** What an answer counts as that does not say how long it is, until it is longer. */
const UNSAID_BYTES = 8 * 1024 * 1024;

/** One try of a delivery. */
export interface Exchange {
  readonly refused: Authorization | undefined;
  readonly onShown: (shown: Authorization) => void;
  readonly abort: CallOff;
  readonly timer: PausableTimer;
  readonly use: ConnectionUse;
  readonly tries: number;
  /** On one of its own, which ends with it. */
  readonly onNewConnection: boolean;
}

/** Sends what is delivered once, and reads what is answered. */
export class HttpExchanges {
  private readonly options: HttpExchangesOptions;

  constructor(options: HttpExchangesOptions) {
    this.options = options;
  }

  /** @throws (as a rejection) what undici, the guard or an authorizer does */
  async exchange(
    delivery: HttpDelivery,
    { abort, timer, use, tries, onNewConnection, refused, onShown }: Exchange,
  ): Promise<DeliveryAnswer | AbortedDelivery> {
    const { clock, guard, agents, proxies } = this.options;
    const { carrier, credential } = delivery;
    const url = new URL(carrier.url);
    const proxy = proxies?.proxyFor(url);
    if (proxy === undefined) guard.checkUrl(url);
    else await unlessAborted(abort, guard.checkBehindProxy(url));
    const { headers, body, shown } = await composed(delivery, url, { abort, refused });
    if (shown !== undefined) onShown(shown);
    const agent = onNewConnection ? agents.create(credential, proxy) : agents.for(credential, proxy);
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
    credential.authorize({ method: "POST", url, headers, body, refused, signal: abort.signal }),
  );
  for (const secret of shown.secrets) onSecret?.(secret);
  return { headers: { ...headers, ...shown.headers }, body, shown };
}

/** Piece by piece, without a copy of the whole. */
function streamed({ chunks }: BlobBody): Readable {
  return Readable.from(chunks, { objectMode: false });
}
