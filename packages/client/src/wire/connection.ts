import type { Clock } from "@durable-workflow/carrier";
import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  NAMESPACE_FIELD,
  parseJson,
  readToken,
} from "@durable-workflow/engine-protocol";
import type { ClientInterceptor } from "../interceptor.js";
import { Scope } from "../scope.js";
import { Slots } from "../slots.js";
import { TimeLimits } from "../time-limits.js";
import {
  isTransportFailure,
  type Transport,
  type TransportFailureKind,
  type TransportRequest,
  type TransportResponse,
} from "../transport/transport.js";

/** Arguments, result and details of one activity are each a few MiB; a page of its history may have all of them. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export interface Call {
  readonly method: "GET" | "HEAD" | "POST";
  readonly path: string;
  /** JSON text, or bytes. */
  readonly body?: string | Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly limitBytes?: number | undefined;
}

/** What an engine answered to one request. */
export interface Answer {
  readonly why?: undefined;
  readonly status: number;
  readonly bytes: Uint8Array;
  /** The body as JSON; undefined where it is none. */
  readonly document: unknown;
  /** When it was there, on the monotonic clock. */
  readonly receivedAt: number;
  header(name: string): string | undefined;
}

/** There is no whole answer. */
export interface NoAnswer {
  readonly why: TransportFailureKind;
  /** What the transport threw. */
  readonly cause: unknown;
  /** The time limit, where that is why; in milliseconds. */
  readonly lateAfterMs: number | undefined;
}

export interface ConnectionOptions {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  readonly token: string | (() => string | Promise<string>) | undefined;
  readonly namespace: string;
  readonly transport: Transport;
  readonly interceptors: readonly ClientInterceptor[];
  readonly maxConcurrentRequests: number;
  readonly clock: Clock;
}

const decoder = new TextDecoder();

/** One try of one request: headers, token, time limit, and the answer read. */
export class Connection {
  readonly url: string;
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #slots: Slots;
  readonly limits: TimeLimits;
  readonly #sendAll: (request: TransportRequest) => Promise<TransportResponse>;
  /** Of every request. */
  readonly plainHeaders: Readonly<Record<string, string>>;
  /** The last token that was sent: what answers quote of it is not shown. */
  bearer = "";

  constructor(options: ConnectionOptions) {
    const { transport, interceptors } = options;
    this.url = options.serverUrl;
    this.clock = options.clock;
    this.#options = options;
    if (typeof options.token === "string") this.bearer = options.token;
    this.plainHeaders = {
      accept: "application/json",
      [NAMESPACE_FIELD]: options.namespace,
      [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION,
      ...(typeof options.token === "string" && authorization(options.token)),
    };
    this.limits = new TimeLimits(options.clock);
    this.#slots = new Slots(options.maxConcurrentRequests);
    this.#sendAll = interceptors.reduceRight<(request: TransportRequest) => Promise<TransportResponse>>(
      (next, interceptor) => (request) => interceptor(request, next),
      (request) => transport.send(request),
    );
  }

  /**
   * @param timeoutMs for one try, to the last byte of the answer
   * @throws the scope's reason when it is over; what the token's function throws
   */
  async exchange(call: Call, scope: Scope, timeoutMs: number): Promise<Answer | NoAnswer> {
    const waiting = this.#slots.take(scope);
    if (waiting !== undefined) await waiting;
    try {
      const answer = await this.#once(call, scope, timeoutMs);
      // A token that has run out meanwhile: whoever makes them is asked once more.
      const isAskedAgain =
        answer.why === undefined && answer.status === 401 && typeof this.#options.token === "function";
      return isAskedAgain ? await this.#once(call, scope, timeoutMs) : answer;
    } finally {
      this.#slots.give();
    }
  }

  async #once(call: Call, scope: Scope, timeoutMs: number): Promise<Answer | NoAnswer> {
    const { method, path, body, headers, limitBytes = ANSWER_LIMIT_BYTES } = call;
    const authorized = typeof this.#options.token === "function" ? await this.authorized() : undefined;
    const typed = body === undefined ? undefined : { "content-type": "application/json" };
    const isPlain = (authorized ?? typed ?? headers) === undefined;
    const sent = isPlain ? this.plainHeaders : { ...this.plainHeaders, ...authorized, ...typed, ...headers };
    const limit = new Scope([scope], this.limits, timeoutMs);
    try {
      const response = await this.#sendAll({
        method,
        url: this.url + path,
        headers: sent,
        body,
        get signal() {
          return limit.signal;
        },
        onAbort: (listener) => {
          limit.onOver(listener);
        },
        limitBytes,
      });
      const isBytes = headers !== undefined && response.header("content-type") === "application/octet-stream";
      return {
        status: response.status,
        bytes: response.body,
        document: isBytes ? undefined : parseJson(decoder.decode(response.body)),
        receivedAt: this.clock.monotonic(),
        header: (name) => response.header(name),
      };
    } catch (cause) {
      scope.check();
      const why = isTransportFailure(cause) ? cause.kind : "lost";
      return { why, cause, lateAfterMs: limit.isLate ? timeoutMs : undefined };
    } finally {
      limit.end();
    }
  }

  /** The header of a token that is asked for anew; the others are {@link plainHeaders}. */
  async authorized(): Promise<{ readonly authorization?: string }> {
    const { token } = this.#options;
    if (typeof token !== "function") return {};
    const { token: read } = readToken(await token());
    if (read === undefined) throw new TypeError("token: the function gave no text of visible ASCII characters");
    this.bearer = read;
    return authorization(read);
  }
}

function authorization(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}
