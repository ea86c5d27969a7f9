import { parseExternalTaskResult } from "@durable-workflow/carrier/protocol";
import { ConnectionUse } from "../net/connection-use.js";
import { AddressRefusedError, type NetworkGuard } from "../net/guard.js";
import { describeNetworkError } from "../net/network-error.js";
import type { Proxies } from "../net/proxies.js";
import { CallOff } from "../time/call-off.js";
import { type Clock, pause } from "../time/clock.js";
import type { AbortedDelivery, DeliveryAnswer, HttpAnswer } from "./answer.js";
import { type Authorization, AuthorizerError } from "./authorizer.js";
import { askInputSchemas, type ManifestRequest } from "./carrier-manifest.js";
import { HttpAgents } from "./http-agents.js";
import { type Exchange, type HttpDelivery, HttpExchanges } from "./http-exchange.js";
import { Holding, mayPass, retryDelayMs, Unreached } from "./retry.js";
import { PausableTimer } from "./timeouts.js";

/** A process that is killed goes on taking connections for a moment, and breaks them, too: the second delivery waits that out. */
const REDELIVER_AFTER_MS = 100;

export interface HttpDelivererOptions {
  readonly clock: Clock;
  readonly guard: NetworkGuard;
  readonly responseLimitBytes: number;
  readonly connectTimeoutMs: number;
  /** Certificates in PEM that carriers' own may be signed by. Default: those that Node trusts. */
  readonly ca?: string | undefined;
  /** Default: none. */
  readonly proxies?: Proxies;
  /** How long a task is held for a carrier that nothing can be sent to. Default 0: it is for the carrier's policy to say. */
  readonly holdUnreachableMs?: number;
  /** Whether a request is sent once more whose connection broke before any answer. Default true. */
  readonly redeliverBroken?: boolean;
}

/** What of a try's connection matters for the next one. */
interface Try {
  readonly answer: DeliveryAnswer | AbortedDelivery;
  /** Its connection broke without a byte of an answer. */
  readonly broke: "stale" /* one that had been used before */ | "fresh" | undefined;
  /** None of it was sent, since there was nobody to send it to. */
  readonly isUnreached: boolean;
  /** What an authorizer said for it. */
  readonly shown: Authorization | undefined;
}

/** Delivers tasks over HTTP, with the carrier's transport retries. */
export class HttpDeliverer {
  private readonly clock: Clock;
  private readonly holdUnreachableMs: number;
  private readonly redeliverBroken: boolean;
  private readonly guard: NetworkGuard;
  private readonly proxies: Proxies | undefined;
  private readonly agents: HttpAgents;
  private readonly exchanges: HttpExchanges;

  constructor(options: HttpDelivererOptions) {
    const { clock, guard, responseLimitBytes, connectTimeoutMs, ca, proxies } = options;
    this.clock = clock;
    this.holdUnreachableMs = options.holdUnreachableMs ?? 0;
    this.redeliverBroken = options.redeliverBroken ?? true;
    this.guard = guard;
    this.proxies = proxies;
    this.agents = new HttpAgents({ guard, connectTimeoutMs, ca });
    this.exchanges = new HttpExchanges({ clock, guard, agents: this.agents, responseLimitBytes, proxies });
  }

  /**
   * Delivers a task. Never rejects. The carrier may see it more than once: after transport retries, and after a connection
   * that broke without any answer, which is repeated once, on a new one, unless that is off. Where nothing could be sent, the task
   * is held, and tried again as long as there is room. A carrier that answers 429 or
   * 503 with `Retry-After` is tried again when it says, as long as there is room; such a wait does not count as a transport retry.
   * What an authorizer allowed and the carrier refused (401, 403) is sent once more, with what the authorizer then makes anew.
   */
  async deliver(delivery: HttpDelivery): Promise<DeliveryAnswer | AbortedDelivery> {
    const { carrier, signal, hasRoom, onRetry } = delivery;
    const { clock } = this;
    const holding = new Holding();
    const unreached = new Unreached(this.holdUnreachableMs);
    let onNewConnection = false;
    let wasRedelivered = false;
    let refused: Authorization | undefined;
    let wasRefused = false;
    for (let tries = 1, sent = 1; ; sent++) {
      const facts = { tries: sent, onNewConnection, refused };
      const { answer, broke, isUnreached, shown } = await this.tryOnce(delivery, facts);
      if (signal.aborted) return answer;
      refused = undefined;
      if (isUnreached) {
        const delayMs = unreached.next();
        if (delayMs !== undefined && hasRoom(delayMs)) {
          delivery.onUnreached?.();
          if (answer.kind === "unreachable") onRetry(answer.why, delayMs, tries);
          await pause(clock, delayMs, signal);
          if (signal.aborted) return { kind: "aborted" };
          continue;
        }
      }
      if (broke !== undefined && this.redeliverBroken && !wasRedelivered && hasRoom(REDELIVER_AFTER_MS)) {
        wasRedelivered = true;
        onNewConnection = true;
        onRetry(BROKEN[broke], REDELIVER_AFTER_MS, tries);
        await pause(clock, REDELIVER_AFTER_MS, signal);
        if (signal.aborted) return { kind: "aborted" };
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
    if (limit.ms <= 0) {
      const answer = { kind: "timeout", limit: limit.name, afterMs: 0 } as const;
      return { answer, broke: undefined, isUnreached: false, shown };
    }
    const abort = new CallOff();
    let timedOut = false;
    const timer = new PausableTimer(this.clock, limit.ms, () => {
      timedOut = true;
      abort.abort(undefined);
    });
    const forward = (): void => abort.abort(undefined);
    signal.addEventListener("abort", forward, { once: true });
    const use = new ConnectionUse();
    let broke: Try["broke"];
    let isUnreached = false;
    let answer: DeliveryAnswer | AbortedDelivery;
    try {
      answer = signal.aborted
        ? { kind: "aborted" }
        : await this.exchanges.exchange(delivery, {
            abort,
            timer,
            use,
            onShown: (authorization) => {
              shown = authorization;
            },
            ...facts,
          });
    } catch (error) {
      if (!abort.aborted && isReset(error) && use.endedUnanswered) broke = use.endedBeforeAnswer ? "stale" : "fresh";
      isUnreached = !abort.aborted && !use.wasSent && mayPass(error);
      answer =
        broke === undefined
          ? failedTry(error, facts.tries)
          : { kind: "unreachable", why: BROKEN[broke], tries: facts.tries };
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", forward);
    }
    if (signal.aborted) answer = { kind: "aborted" };
    else if (timedOut) answer = { kind: "timeout", limit: limit.name, afterMs: limit.ms };
    return { answer, broke, isUnreached, shown };
  }

  /** What a carrier says of the arguments of its activities; see {@link askInputSchemas}. */
  inputSchemas(request: ManifestRequest): ReturnType<typeof askInputSchemas> {
    const { agents, guard, proxies } = this;
    return askInputSchemas(request, { agents, guard, proxies });
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.agents.close();
  }
}

/** In place of the code of whichever library noticed. */
const BROKEN = {
  stale: "a kept connection was closed before an answer",
  fresh: "the connection was closed before an answer",
} as const;

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

/** Whether a connection was ended by the other side. */
function isReset(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET";
}
