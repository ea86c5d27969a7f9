import { brand, isBranded } from "../errors/brand.js";

/**
 * How requests reach the engine: bytes in, bytes out. What the bytes mean, how long a request may take and whether it is
 * repeated is the client's.
 */
export interface Transport {
  /**
   * Sends one request and reads the whole answer. Redirects are not followed, and nothing is repeated.
   *
   * @throws {TransportFailure} (as a rejection) when there is no whole answer; anything when the signal is aborted
   */
  send(request: TransportRequest): Promise<TransportResponse>;
  /**
   * Sends a request and hands its answer over as it comes, without a limit: for streams of events, which `/tools` reads.
   * Default: there are none. The signal ends it.
   */
  open?(request: Pick<TransportRequest, "method" | "url" | "headers" | "signal">): Promise<OpenResponse>;
  /** Lets go of idle connections. */
  close?(): Promise<void>;
  /** How many requests may be under way at once, where the platform has a limit. Default: 16. */
  readonly maxConcurrentRequests?: number;
}

/** A request of the client, as a transport sends it. */
export interface TransportRequest {
  /** `HEAD` is asked by `/tools` alone. */
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** Aborted when nobody waits for the answer any more: the request is torn down. */
  readonly signal: AbortSignal;
  /** Calls back once when the signal is aborted, at once if it is: cheaper than a signal, which is then not made. Lost in copies. */
  onAbort?(listener: (reason: unknown) => void): void;
  /** The longest answer that is read, in bytes. */
  readonly limitBytes: number;
}

/** An answer of the engine, as a transport hands it over. */
export interface TransportResponse {
  /** 0 for a redirect that a browser does not show. */
  readonly status: number;
  readonly body: Uint8Array;
  /** @param name in lower case */
  header(name: string): string | undefined;
}

/** An answer that is still coming. */
export interface OpenResponse extends Pick<TransportResponse, "status" | "header"> {
  readonly body: AsyncIterable<Uint8Array>;
}

/** What kept a request from being answered. */
export type TransportFailureKind =
  | "not_sent" // the engine has not seen a byte of it: refused, no such host, TLS
  | "lost" // the engine may have seen it, and the answer did not come whole
  | "too_large"; // the answer is longer than `limitBytes`

const BRAND = Symbol.for("durable-workflow.client.transport-failure");

/** Why a request has no answer. Matched by {@link isTransportFailure}: a transport may come from another copy of this package. */
export class TransportFailure extends Error {
  readonly kind: TransportFailureKind;

  constructor(kind: TransportFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    brand(this, "TransportFailure", BRAND);
  }
}

/** Whether an error is a transport's own: no answer came, or none that is whole. */
export function isTransportFailure(error: unknown): error is TransportFailure {
  return isBranded(error, BRAND);
}
