import type { CallerSignal } from "../activity/caller-signal.js";

/** What can be known of a request before its body is read. */
export interface InvocableRequestHead {
  readonly method: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** A request's body: raw, as text, or already parsed from JSON by somebody else. */
export type InvocableRequestBody = Uint8Array | string | object;

/** All that an adapter has to say about a request. Made once, and not changed. */
export interface InvocableHttpRequest extends InvocableRequestHead {
  /**
   * Reads the body. Answers undefined as soon as it is clear that there is more of it than the limit, or than there is
   * room for: `take` is called with the size of each piece that was read, and says false when no more may be kept. A body
   * for which it was not called is counted when it is there.
   *
   * Rejects with an {@link InvocableBodyError} that says why there is no body; other errors are told as they are.
   */
  readonly body: (limitBytes: number, take: (bytes: number) => boolean) => Promise<InvocableRequestBody | undefined>;
  /** Aborted when the client goes away, with the reason to give. */
  readonly signal?: CallerSignal | undefined;
  /** Writes a result as JSON. What it returns is the response's body. Default: `JSON.stringify`. */
  readonly print?: ((document: object) => string) | undefined;
  /** Milliseconds until the platform ends this process. */
  readonly remainingMs?: number | undefined;
  /** What an activity's context holds from the start, by the id of the key. */
  readonly values?: ReadonlyMap<symbol, unknown> | undefined;
}

/** All that an adapter has to send. */
export class InvocableHttpResponse {
  readonly statusCode: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;

  constructor(statusCode: number, headers: Readonly<Record<string, string>>, body: string) {
    this.statusCode = statusCode;
    this.headers = headers;
    this.body = body;
  }

  /** The body, parsed. */
  json(): unknown {
    return JSON.parse(this.body);
  }
}
