import type { Readable } from "node:stream";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import type { HttpCarrier } from "@durable-workflow/engine-protocol/executor-config";
import { readRetryAfter } from "../engine/reply.js";
import { type BlobBody, type DeliveryBody, withoutLargeBlobs } from "../net/blob-bytes.js";
import type { BoundedBytes } from "../net/bounded-body.js";
import { type BoundedAnswer, BoundedRequest, type RequestToSend } from "../net/bounded-request.js";
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
  readonly roomFor?: ((bytes: number) => Promise<Held | undefined> | Held | undefined) | undefined;
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

  /** @throws (as a rejection) what undici, the guard or an authorizer does, and an `AbortError` once it was called off */
  async exchange(
    delivery: HttpDelivery,
    { abort, timer, use, tries, onNewConnection, refused, onShown }: Exchange,
  ): Promise<DeliveryAnswer | AbortedDelivery> {
    const { clock, guard, agents, proxies } = this.options;
    const { carrier, credential } = delivery;
    const { url, origin, path } = targetOf(carrier);
    const proxy = proxies?.proxyFor(url);
    if (proxy === undefined) guard.checkUrl(url);
    else await unlessAborted(abort, guard.checkBehindProxy(url));
    const composed =
      credential.type === "authorized"
        ? await this.authorized(delivery, credential, { abort, refused, onShown })
        : composedFor(delivery, credential);
    const { headers, body } = composed;
    const agent = onNewConnection ? agents.create(credential, proxy) : agents.for(credential, proxy);
    let held: Held | undefined;
    let isKept = false;
    let isOver = false;
    try {
      let isRefused = false;
      const { responseLimitBytes: limitBytes = this.options.responseLimitBytes, roomFor } = delivery;
      const onRoom = (room: Held | undefined): boolean => {
        if (isOver) {
          // The connection broke meanwhile.
          room?.release();
          return false;
        }
        held = room;
        isRefused = room === undefined;
        return !isRefused;
      };
      const request = new BoundedRequest({
        limitBytes,
        onHead: ({ expectedBytes = UNSAID_BYTES }) => {
          if (roomFor === undefined) return true;
          const room = roomFor(Math.min(expectedBytes, limitBytes));
          if (!(room instanceof Promise)) return onRoom(room);
          timer.pause();
          return room.then((granted) => {
            timer.resume();
            return onRoom(granted);
          });
        },
        onBytes: (bytes) => held?.grow(bytes),
      });
      if (abort.aborted) request.callOff();
      else abort.addEventListener("abort", () => request.callOff());
      const isText = typeof body === "string";
      const send = (): Promise<BoundedAnswer> =>
        request.send(agent, {
          origin,
          path,
          method: "POST",
          headers: isText ? headers : [...headers, "content-length", String(body.bytes)],
          body: isText ? body : sendable(body),
        });
      const { head, read } = await use.watch(send).catch((error: unknown) => {
        if (isRefused) return REFUSED;
        throw error;
      });
      if (isRefused) return { kind: "aborted" };
      if (read.problem === "cut_off") return { kind: "unreachable", why: "the answer was cut off", tries };
      const { status, retryAfter } = head;
      const asks = status === 429 || status === 503;
      const retryAfterMs = asks ? readRetryAfter(retryAfter, clock.now()) : undefined;
      // Whoever says when to come again is not done with the task, whatever the policy counts as temporary.
      const temporary = retryAfterMs !== undefined || isRetryableStatus(carrier.retryPolicy, status);
      isKept = read.bytes !== undefined;
      return { kind: "http", status, body: bodyOf(read, held), temporary, retryAfterMs };
    } finally {
      isOver = true;
      if (!isKept) held?.release();
      if (onNewConnection) void agent.destroy();
    }
  }

  /** @throws {AuthorizerError} (as a rejection) */
  private async authorized(
    delivery: HttpDelivery,
    { authorize }: Extract<Credential, { readonly type: "authorized" }>,
    { abort, refused, onShown }: Pick<Exchange, "abort" | "refused" | "onShown">,
  ): Promise<Composed> {
    const document = delivery.body();
    const headers = { ...ENVELOPE_HEADERS, "idempotency-key": delivery.idempotencyKey };
    // A signature is over the whole of it.
    const body = typeof document === "string" ? document : Buffer.concat(document.chunks).toString();
    // One of its own: an authorizer may change it.
    const url = new URL(delivery.carrier.url);
    const shown = await unlessAborted(
      abort,
      authorize({ method: "POST", url, headers, body, refused, signal: abort.signal }),
    );
    for (const secret of shown.secrets) delivery.onSecret?.(secret);
    onShown(shown);
    return { headers: Object.entries({ ...headers, ...shown.headers }).flat(), body };
  }
}

const ENVELOPE_HEADERS = {
  "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
};
const ENVELOPE_HEADER_LIST: readonly string[] = Object.entries(ENVELOPE_HEADERS).flat();

/** In the place of an answer for which there was no room, as the delivery was called off. */
const REFUSED: BoundedAnswer = {
  head: { status: 0, date: undefined, retryAfter: undefined, contentEncoding: undefined, expectedBytes: undefined },
  read: { problem: "cut_off" },
};

/** What has come, which takes as much of the room as it is long. */
function bodyOf(read: BoundedBytes, held: Held | undefined): AnswerBody {
  if (read.bytes === undefined) return read;
  held?.grow(read.bytes.length);
  held?.shrink(read.bytes.length);
  return withoutLargeBlobs(read.bytes) ?? { problem: "not_utf8" };
}

interface Target {
  readonly url: URL;
  readonly origin: string;
  readonly path: string;
}

const targets = new WeakMap<HttpCarrier, Target>();

/** Where a carrier is: the same for all its tasks. */
function targetOf(carrier: HttpCarrier): Target {
  let target = targets.get(carrier);
  if (target === undefined) {
    const url = new URL(carrier.url);
    target = { url, origin: url.origin, path: url.pathname + url.search };
    targets.set(carrier, target);
  }
  return target;
}

interface Composed {
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: DeliveryBody;
}

function composedFor({ body, idempotencyKey }: HttpDelivery, credential: Credential): Composed {
  const headers = [...ENVELOPE_HEADER_LIST, "idempotency-key", idempotencyKey];
  if (credential.type === "bearer") headers.push("authorization", `Bearer ${credential.token}`);
  return { headers, body: body() };
}

/** Up to so many bytes are copied: one packet more costs more than that, on both sides. */
const MOST_COPIED_BYTES = 256 * 1024;

/** In one piece, or piece by piece without a copy of the whole. */
function sendable({ chunks, bytes }: BlobBody): RequestToSend["body"] {
  // Undici takes whatever can be iterated; its types know of streams alone, which cost more than to write what is in them.
  return bytes <= MOST_COPIED_BYTES ? Buffer.concat(chunks, bytes) : (chunks as unknown as Readable);
}
