import { systemClock } from "@durable-workflow/dispatcher";
import { ServerClock } from "@durable-workflow/dispatcher/tools";
import { NAMESPACE_FIELD, parseJson, textAt } from "@durable-workflow/engine-protocol";
import type { EngineConnection } from "../engine/connection.js";
import type { HttpClient } from "../net/http-client.js";

/** How others are asked. */
export interface ProbeMeans {
  readonly http: HttpClient;
  /** For one answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** An engine's answer. */
export interface EngineAnswer {
  readonly status: number;
  /** The parsed body; undefined for what is no JSON. */
  readonly body: unknown;
  /** `reason` of the body, by which engines tell refusals apart. */
  readonly reason: string | undefined;
  /** `message` or `error` of the body. */
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
  private readonly means: ProbeMeans;
  private hasDate = false;

  constructor(connection: EngineConnection, means: ProbeMeans) {
    this.connection = connection;
    this.means = means;
  }

  /** Whether any answer said what time it is. */
  get knowsTime(): boolean {
    return this.hasDate;
  }

  /** @throws {NoAnswer} (as a rejection) */
  async ask({ method = "GET", path, headers, body, anonymous }: ProbeRequest): Promise<EngineAnswer> {
    const { url, namespace, token, tlsVerify } = this.connection;
    const { http, timeoutMs, signal } = this.means;
    const sentAt = systemClock.monotonic();
    const answer = await http.exchange(
      new URL(url + path),
      {
        method,
        headers: {
          accept: "application/json",
          [NAMESPACE_FIELD]: namespace,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        token: anonymous === true ? undefined : token,
        body: body === undefined ? undefined : JSON.stringify(body),
        timeoutMs,
        signal,
      },
      { verify: tlsVerify },
    );
    const document = parseJson(answer.body);
    const date = answer.headers["date"];
    this.hasDate ||= date !== undefined;
    this.clock.observe(date, sentAt, systemClock.monotonic());
    return {
      status: answer.status,
      body: document,
      reason: textAt(document, "reason"),
      message: textAt(document, "message") ?? textAt(document, "error") ?? "",
    };
  }
}
