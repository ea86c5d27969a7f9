import type { Clock } from "@durable-workflow/carrier";
import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  NAMESPACE_FIELD,
  parseJson,
  readToken,
} from "@durable-workflow/engine-protocol";
import type { ClientInterceptor } from "../interceptor.js";
import { Slots } from "../slots.js";
import {
  isTransportFailure,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from "../transport/transport.js";
import { TimeLimits, TryLimit } from "./try-limit.js";

/** Arguments, result and details of one activity are each a few MiB; a page of its history may have all of them. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export interface Call {
  readonly method: "GET" | "HEAD" | "POST";
  readonly path: string;
  /** JSON text, or bytes. */
  readonly body?: string | Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal;
  /** For one try, to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly limitBytes?: number | undefined;
}

/** What an engine answered to one request. */
export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** The body as JSON; undefined where it is none. */
  readonly document: unknown;
  /** When it was there, on the monotonic clock. */
  readonly receivedAt: number;
  header(name: string): string | undefined;
}

export type WhyNoAnswer = "not_sent" | "lost" | "timeout" | "too_large";

/** There is no whole answer. Stays inside. */
export class NoAnswer extends Error {
  readonly why: WhyNoAnswer;

  constructor(why: WhyNoAnswer, message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
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
  private readonly options: ConnectionOptions;
  private readonly slots: Slots;
  private readonly timeLimits: TimeLimits;
  private readonly sendAll: (request: TransportRequest) => Promise<TransportResponse>;
  private readonly plainHeaders: Readonly<Record<string, string>>;
  /** The last token that was sent: what answers quote of it is not shown. */
  private bearer = "";

  constructor(options: ConnectionOptions) {
    const { transport, interceptors } = options;
    this.url = options.serverUrl;
    this.clock = options.clock;
    this.options = options;
    if (typeof options.token === "string") this.bearer = options.token;
    this.plainHeaders = {
      accept: "application/json",
      [NAMESPACE_FIELD]: options.namespace,
      [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION,
      ...(typeof options.token === "string" && { authorization: `Bearer ${options.token}` }),
    };
    this.timeLimits = new TimeLimits(options.clock);
    this.slots = new Slots(options.maxConcurrentRequests);
    this.sendAll = interceptors.reduceRight<(request: TransportRequest) => Promise<TransportResponse>>(
      (next, interceptor) => (request) => interceptor(request, next),
      (request) => transport.send(request),
    );
  }

  /** @throws {NoAnswer} when there is none; the signal's reason when it is aborted; what the token's function throws */
  async exchange(call: Call): Promise<Answer> {
    const waiting = this.slots.take(call.signal);
    if (waiting !== undefined) await waiting;
    try {
      const answer = await this.once(call);
      // A token that has run out meanwhile: whoever makes them is asked once more.
      const isAskedAgain = answer.status === 401 && typeof this.options.token === "function";
      return isAskedAgain ? await this.once(call) : answer;
    } finally {
      this.slots.give();
    }
  }

  /** What others wrote, fit for an error: cut, on one line, without the token. */
  shown(text: string): string {
    const scrubbed = this.bearer === "" ? text : text.replaceAll(this.bearer, "[redacted]");
    return scrubbed
      .replaceAll(/[\p{Cc}\s]+/gu, " ")
      .trim()
      .slice(0, LONGEST_SHOWN);
  }

  private async once({ method, path, body, headers, signal, timeoutMs, limitBytes }: Call): Promise<Answer> {
    const { token } = this.options;
    const authorized = typeof token === "function" ? { authorization: `Bearer ${await this.ask(token)}` } : undefined;
    const typed = body === undefined ? undefined : { "content-type": "application/json" };
    const isPlain = (authorized ?? typed ?? headers) === undefined;
    const sent = isPlain ? this.plainHeaders : { ...this.plainHeaders, ...authorized, ...typed, ...headers };
    const limit = new TryLimit(this.timeLimits, signal, timeoutMs);
    try {
      const response = await this.sendAll({
        method,
        url: this.url + path,
        headers: sent,
        body,
        get signal() {
          return limit.signal;
        },
        onAbort: (listener) => {
          limit.onAbort(listener);
        },
        limitBytes: limitBytes ?? ANSWER_LIMIT_BYTES,
      });
      const isBytes = headers !== undefined && response.header("content-type") === "application/octet-stream";
      return {
        status: response.status,
        bytes: response.body,
        document: isBytes ? undefined : parseJson(decoder.decode(response.body)),
        receivedAt: this.clock.monotonic(),
        header: (name) => response.header(name),
      };
    } catch (error) {
      signal.throwIfAborted();
      const kind = isTransportFailure(error) ? error.kind : "lost";
      const said = this.shown(error instanceof Error ? error.message : String(error));
      if (limit.aborted && kind !== "not_sent") {
        throw new NoAnswer("timeout", `no answer within ${Math.round(timeoutMs)} ms`, { cause: error });
      }
      const message = limit.isLate ? `no connection within ${Math.round(timeoutMs)} ms` : said;
      throw new NoAnswer(kind, message, { cause: error });
    } finally {
      limit.dispose();
    }
  }

  private async ask(token: () => string | Promise<string>): Promise<string> {
    const { token: read } = readToken(await token());
    if (read === undefined) {
      throw new TypeError("token: the function gave no string of visible ASCII characters");
    }
    this.bearer = read;
    return read;
  }
}

const LONGEST_SHOWN = 500;
