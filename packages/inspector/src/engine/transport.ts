/**
 * How the engine is reached. Whoever mounts the inspector brings it, and with it the token, proxies and certificates: nothing in
 * this package ever sees a credential.
 */
export interface EngineTransport {
  /**
   * Sends one request, with the engine's token, namespace and control-plane version, and reads the whole answer.
   *
   * @throws {EngineUnreachable} (as a rejection) when there is no whole answer
   */
  request(call: EngineCall): Promise<EngineAnswer>;
  /**
   * Reads a stream of server-sent events. False where there is none. Else `onEnd` is called once, when it is over, unless the
   * signal was aborted.
   */
  events(stream: EngineStream): Promise<boolean>;
}

export interface EngineCall {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** Beside those of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The longest answer, in bytes. Default 16 MiB. */
  readonly limitBytes?: number;
}

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface EngineStream {
  readonly path: string;
  readonly signal: AbortSignal;
  /** Called with the text of each `data:` line. */
  readonly onData: (text: string) => void;
  readonly onEnd: () => void;
}

/** No answer came, or only a part of one. Its message says why. */
export class EngineUnreachable extends Error {
  override readonly name = "EngineUnreachable";
}
