import {
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  parseExternalTaskResult,
} from "@durable-workflow/carrier/protocol";
import { Agent } from "undici";
import type { HttpCarrier } from "@durable-workflow/engine-protocol/executor-config";
import { headerOf, readBoundedBody } from "../net/bounded-body.js";
import { AddressRefusedError, type NetworkGuard } from "../net/guard.js";
import { unlessAborted } from "../net/unless-aborted.js";
import { type Clock, pause, timerDelay } from "../time/clock.js";
import type { AbortedDelivery, DeliveryAnswer } from "./answer.js";
import type { Credential } from "./credentials.js";
import { isRetryableStatus, retryDelayMs } from "./retry.js";
import type { TimeLimit } from "./timeouts.js";

export interface HttpDelivery {
  readonly carrier: HttpCarrier;
  readonly credential: Credential;
  readonly idempotencyKey: string;
  /** The envelope as JSON. */
  readonly body: string;
  /** How long a try that begins now may take. */
  readonly limit: () => TimeLimit;
  /** True while the lease and the deadlines leave room for a try that begins so much later. */
  readonly hasRoom: (delayMs: number) => boolean;
  /** Calls the delivery off; the carrier sees its client go. */
  readonly signal: AbortSignal;
  readonly onRetry: (why: string, delayMs: number, tries: number) => void;
}

export interface HttpDelivererOptions {
  readonly clock: Clock;
  readonly guard: NetworkGuard;
  readonly responseLimitBytes: number;
  readonly connectTimeoutMs: number;
  /** Certificates in PEM that carriers' own may be signed by. Default: those that Node trusts. */
  readonly ca?: string | undefined;
}

const MOST_CERTIFICATES = 50;

/** Delivers tasks over HTTP, with the carrier's transport retries. */
export class HttpDeliverer {
  private readonly options: HttpDelivererOptions;
  private readonly agent: Agent;
  /** One per client certificate. */
  private readonly certified = new Map<string, Agent>();

  constructor(options: HttpDelivererOptions) {
    this.options = options;
    this.agent = this.createAgent();
  }

  private createAgent(tls: { readonly cert?: string; readonly key?: string } = {}): Agent {
    const { guard, connectTimeoutMs, ca } = this.options;
    return new Agent({
      connect: { lookup: guard.lookup, timeout: connectTimeoutMs, ...(ca === undefined ? {} : { ca }), ...tls },
      // The delivery's own limit counts.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  private agentFor(credential: Credential): Agent {
    if (credential.type !== "mtls") return this.agent;
    const { cert, key } = credential;
    const name = `${cert}\n${key}`;
    let agent = this.certified.get(name);
    if (agent === undefined) {
      agent = this.createAgent({ cert, key });
      this.certified.set(name, agent);
      this.forgetOldest();
    }
    return agent;
  }

  /** Certificates are replaced by new ones: the oldest is done with, once what it has in flight is. */
  private forgetOldest(): void {
    const [oldest] = this.certified;
    if (oldest === undefined || this.certified.size <= MOST_CERTIFICATES) return;
    this.certified.delete(oldest[0]);
    void oldest[1].close();
  }

  /** Never rejects. */
  async deliver(delivery: HttpDelivery): Promise<DeliveryAnswer | AbortedDelivery> {
    const { carrier, signal, hasRoom, onRetry } = delivery;
    for (let tries = 1; ; tries++) {
      const answer = await this.tryOnce(delivery, tries);
      const why = signal.aborted ? undefined : retryReason(answer);
      if (why === undefined) return answer;
      const delayMs = retryDelayMs(carrier.retryPolicy, tries);
      if (delayMs === undefined || !hasRoom(delayMs)) return answer;
      onRetry(why, delayMs, tries);
      await pause(this.options.clock, delayMs, signal);
      if (signal.aborted) return { kind: "aborted" };
    }
  }

  private async tryOnce(delivery: HttpDelivery, tries: number): Promise<DeliveryAnswer | AbortedDelivery> {
    const { carrier, credential, signal } = delivery;
    const { clock, guard, responseLimitBytes } = this.options;
    const limit = delivery.limit();
    if (limit.ms <= 0) return { kind: "timeout", limit: limit.name, afterMs: 0 };
    const abort = new AbortController();
    let timedOut = false;
    const cancelTimer = clock.schedule(timerDelay(limit.ms), () => {
      timedOut = true;
      abort.abort();
    });
    const forward = (): void => abort.abort();
    signal.addEventListener("abort", forward, { once: true });
    try {
      if (signal.aborted) return { kind: "aborted" };
      const url = new URL(carrier.url);
      guard.checkUrl(url);
      const request = this.agentFor(credential).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: "POST",
        headers: {
          "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
          accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
          "idempotency-key": delivery.idempotencyKey,
          ...(credential.type === "bearer" ? { authorization: `Bearer ${credential.token}` } : {}),
        },
        body: delivery.body,
        signal: abort.signal,
      });
      const response = await unlessAborted(abort.signal, request);
      const status = response.statusCode;
      const encoding = headerOf(response.headers, "content-encoding");
      const body = await readBoundedBody(response.body, encoding, responseLimitBytes);
      if (signal.aborted) return { kind: "aborted" };
      if (timedOut) return { kind: "timeout", limit: limit.name, afterMs: limit.ms };
      if (body.problem === "cut_off") return { kind: "unreachable", why: "the answer was cut off", tries };
      return { kind: "http", status, body, temporary: isRetryableStatus(carrier.retryPolicy, status) };
    } catch (error) {
      if (signal.aborted) return { kind: "aborted" };
      if (timedOut) return { kind: "timeout", limit: limit.name, afterMs: limit.ms };
      if (error instanceof AddressRefusedError)
        return { kind: "refused", code: "address_refused", message: error.message };
      return { kind: "unreachable", why: describeNetworkError(error), tries };
    } finally {
      cancelTimer();
      signal.removeEventListener("abort", forward);
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([this.agent, ...this.certified.values()].map((agent) => agent.destroy()));
  }
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

/** A network error by its code: its message may quote addresses and headers. */
export function describeNetworkError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeNetworkError(error.errors[0]);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string") return code;
  return error instanceof Error ? error.name : "unknown error";
}
