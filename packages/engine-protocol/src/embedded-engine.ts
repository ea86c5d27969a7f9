/** A request to an engine in the same process, with all that it would have over HTTP but the connection. */
export interface InProcessRequest {
  /** In capitals. */
  readonly method: string;
  /** From `/api` on, the query included. */
  readonly path: string;
  /** By name in lower case. A token is as necessary as over HTTP. */
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON document. Default: none. */
  readonly body?: string | Uint8Array | undefined;
  /** Calls back once, when nobody waits for the answer any more. Default: somebody always does. */
  readonly onDisconnect?: ((callback: () => void) => void) | undefined;
}

/** What an engine answers in the same process. */
export interface InProcessAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON document; bytes where a payload in it is large. */
  readonly body: string | Uint8Array;
}

/** An engine that answers requests of its own process. `LocalEngine` is one, and a dispatcher takes one. */
export interface InProcessEngine {
  /**
   * Answers a request as one that came over HTTP: checks, authority and limits are the same. Streams of events, and payloads by
   * reference, are for HTTP alone.
   *
   * @throws (as a rejection) where there is no answer: the engine was closed, or the path is one of those
   */
  answer(request: InProcessRequest): Promise<InProcessAnswer>;
}
