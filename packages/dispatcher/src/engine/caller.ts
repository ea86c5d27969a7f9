import {
  fieldOf,
  NAMESPACE_FIELD,
  negotiateVersion,
  PATHS,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_FIELD,
} from "@durable-workflow/engine-protocol";
import { printDocument } from "../net/blob-bytes.js";
import type { Proxies } from "../net/proxies.js";
import type { StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import { EngineCapabilities, type Teller } from "./capabilities.js";
import { type Refused, readNegotiation, type Unavailable, wantsOtherVersion } from "./outcomes.js";
import type { EngineAnswer } from "./reply.js";
import { ServerClock } from "./server-clock.js";
import { type EngineRequest, EngineTransport } from "./transport.js";
import type { EngineWire } from "./wire.js";

export interface EngineCallerOptions {
  readonly serverUrl: string;
  /** Asked for each request; null sends none. */
  readonly token: () => string | null;
  readonly tlsVerify: boolean;
  readonly clock: Clock;
  /** Default: none. */
  readonly proxies?: Proxies;
  /** Takes credentials out of what an error answer says. */
  readonly scrub: (text: string) => string;
  /** How long any request but a poll may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Told of each answer that refuses the token (401). Default: nobody is. */
  readonly onUnauthorized?: (() => void) | undefined;
  /** The way to the engine. Default: HTTP. */
  readonly wire?: EngineWire | undefined;
  /** Told when a version was agreed on. */
  readonly onVersion?: (version: string, advertised: string) => void;
}

export interface CallOptions {
  /** Default: that of all requests but polls. */
  readonly timeoutMs?: number;
  readonly signal?: StopSignal | undefined;
  /** Whose answer tells of the engine's capabilities. Default `other`. */
  readonly teller?: Teller;
}

/** Sends requests of the worker plane in a version that the engine speaks, and learns from the answers what it can do. */
export class EngineCaller {
  readonly serverClock: ServerClock;
  readonly capabilities = new EngineCapabilities();
  private readonly options: EngineCallerOptions;
  private readonly transport: EngineTransport;
  private agreed: string | undefined;
  private negotiation: Promise<void> | undefined;
  private first: Promise<Unavailable | Refused | undefined> | undefined;
  private closed = false;
  /** By namespace, as they were made last; "" for none. */
  private readonly lastHeaders = new Map<string, PreparedHeaders>();

  constructor(options: EngineCallerOptions) {
    this.options = options;
    this.serverClock = new ServerClock(options.clock);
    this.transport = new EngineTransport({ ...options, serverClock: this.serverClock });
  }

  /** The version that was agreed on; undefined until then. */
  get agreedVersion(): string | undefined {
    return this.agreed;
  }

  /** The version that requests are sent in: where none was agreed on, our own. */
  get version(): string {
    return this.agreed ?? PROTOCOL_VERSION;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  async negotiate(): Promise<EngineAnswer> {
    const answer = await this.send({
      method: "GET",
      path: PATHS.clusterInfo,
      headers: this.headers(),
      timeoutMs: this.options.requestTimeoutMs,
    });
    if (answer.kind === "reply" && answer.status === 200) {
      const advertised = fieldOf(fieldOf(answer.body, "worker_protocol"), "version");
      const version = negotiateVersion(advertised);
      if (version !== undefined) {
        if (version !== this.agreed) this.options.onVersion?.(version, String(advertised));
        this.agreed = version;
      }
      this.capabilities.learn(answer.body, "cluster_info");
    }
    return answer;
  }

  /** What the engine says of itself and of a namespace. */
  async clusterInfo(namespace: string): Promise<EngineAnswer> {
    const { requestTimeoutMs: timeoutMs } = this.options;
    return this.send({ method: "GET", path: PATHS.clusterInfo, headers: this.headers(namespace), timeoutMs });
  }

  /** As {@link negotiate}, shared by those who ask at the same time. Undefined once requests can be sent. */
  async negotiateOnce(): Promise<Unavailable | Refused | undefined> {
    this.first ??= this.negotiate().then((answer) => {
      this.first = undefined;
      return readNegotiation(answer, this.agreed);
    });
    return this.first;
  }

  /**
   * Sends a POST, once more when the engine wants another protocol version.
   *
   * @param body may depend on the version; a text is sent as it is
   */
  async post<Outcome extends { readonly kind: string; readonly reason?: string | null }>(
    namespace: string,
    path: string,
    body: object | string | (() => object),
    read: (answer: EngineAnswer) => Outcome,
    { timeoutMs = this.options.requestTimeoutMs, signal, teller = "other" }: CallOptions = {},
  ): Promise<Outcome> {
    const send = async (): Promise<Outcome> => {
      const made = typeof body === "function" ? (body as () => object)() : body;
      const text = typeof made === "string" ? made : printDocument(made, fieldOf(made, "result"));
      const answer = await this.send({
        method: "POST",
        path,
        headers: this.headers(namespace),
        body: text,
        timeoutMs,
        signal,
      });
      if (answer.kind === "reply") this.capabilities.learn(answer.body, answer.status < 300 ? teller : "other");
      return read(answer);
    };
    const outcome = await send();
    if (!wantsOtherVersion(outcome)) return outcome;
    const refusedVersion = this.agreed;
    await this.renegotiate();
    return this.agreed === refusedVersion ? outcome : send();
  }

  async delete(namespace: string, path: string): Promise<EngineAnswer> {
    const { requestTimeoutMs: timeoutMs } = this.options;
    return this.send({ method: "DELETE", path, headers: this.headers(namespace), timeoutMs });
  }

  private async send(request: EngineRequest): Promise<EngineAnswer> {
    const answer = await this.transport.send(request);
    if (answer.kind === "reply" && answer.status === 401) this.options.onUnauthorized?.();
    return answer;
  }

  /** Ends the connections, those in use included. */
  async close(): Promise<void> {
    this.closed = true;
    await this.transport.close();
  }

  /** Requests that are refused together ask once. */
  private async renegotiate(): Promise<void> {
    this.negotiation ??= this.negotiate().then(() => {
      this.negotiation = undefined;
    });
    await this.negotiation;
  }

  /** Names and values in turn. Made anew when the token or the version has changed. */
  private headers(namespace = ""): readonly string[] {
    const token = this.options.token();
    const { version } = this;
    const last = this.lastHeaders.get(namespace);
    if (last !== undefined && last.token === token && last.version === version) return last.headers;
    const headers = ["accept", "application/json", "content-type", "application/json", PROTOCOL_VERSION_FIELD, version];
    if (namespace !== "") headers.push(NAMESPACE_FIELD, namespace);
    if (token !== null) headers.push("authorization", `Bearer ${token}`);
    this.lastHeaders.set(namespace, { token, version, headers });
    return headers;
  }
}

interface PreparedHeaders {
  readonly token: string | null;
  readonly version: string;
  readonly headers: readonly string[];
}
