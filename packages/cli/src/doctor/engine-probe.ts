import { systemClock } from "@durable-workflow/dispatcher";
import { Secrets, ServerClock } from "@durable-workflow/dispatcher/tools";
import type { EngineConnection } from "../engine/connection.js";
import { NAMESPACE_FIELD, parseJson, textAt } from "@durable-workflow/engine-protocol";
import { exchange } from "../net/exchange.js";

/** An engine's answer. */
export interface EngineAnswer {
  readonly status: number;
  /** The parsed body; undefined for what is no JSON. */
  readonly body: unknown;
  /** `reason` of the body, by which engines tell refusals apart. */
  readonly reason: string | undefined;
  /** `message` or `error` of the body, without the token. */
  readonly message: string;
}

export interface ProbeRequest {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Whether the token is left away. */
  readonly anonymous?: true;
}

/** Asks an engine, and learns from each answer what time it is there. */
export class EngineProbe {
  readonly connection: EngineConnection;
  readonly clock = new ServerClock(systemClock);
  private readonly timeoutMs: number;
  private readonly signal: AbortSignal;
  private readonly secrets = new Secrets();
  private hasDate = false;

  constructor(connection: EngineConnection, timeoutMs: number, signal: AbortSignal) {
    this.connection = connection;
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.secrets.add(connection.token);
  }

  /** Whether any answer said what time it is. */
  get knowsTime(): boolean {
    return this.hasDate;
  }

  /** @throws {NoAnswer} (as a rejection) */
  async ask({ method = "GET", path, headers, body, anonymous }: ProbeRequest): Promise<EngineAnswer> {
    const { url, namespace, token, tlsVerify } = this.connection;
    const sentAt = systemClock.monotonic();
    const answer = await exchange(
      new URL(url + path),
      {
        method,
        headers: {
          accept: "application/json",
          [NAMESPACE_FIELD]: namespace,
          ...(token === undefined || anonymous === true ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        timeoutMs: this.timeoutMs,
        signal: this.signal,
      },
      { verify: tlsVerify },
    );
    const document = parseJson(answer.body);
    const date = answer.headers["date"];
    this.hasDate ||= date !== undefined;
    this.clock.observe(date, sentAt, systemClock.monotonic());
    const message = textAt(document, "message") ?? textAt(document, "error") ?? "";
    return {
      status: answer.status,
      body: document,
      reason: textAt(document, "reason"),
      message: this.secrets.scrub(message),
    };
  }
}
