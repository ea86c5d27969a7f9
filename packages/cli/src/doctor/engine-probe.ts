import { isClientError } from "@durable-workflow/client";
import type { EngineTools, ToolAnswer } from "@durable-workflow/client/tools";
import { systemClock } from "@durable-workflow/dispatcher";
import { ServerClock } from "@durable-workflow/dispatcher/tools";
import { textAt } from "@durable-workflow/engine-protocol";
import type { EngineConnection } from "../engine/connection.js";
import { toolsOf } from "../engine/control-plane.js";
import { NoAnswer } from "../net/exchange.js";
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

/** Asks an engine by the client's door for tools, one try each, and learns from each answer what time it is there. */
export class EngineProbe {
  readonly connection: EngineConnection;
  readonly clock = new ServerClock(systemClock);
  private readonly means: ProbeMeans;
  private readonly tools: EngineTools;
  private readonly asGuest: EngineTools;
  private hasDate = false;

  /** @throws {CliError} for a connection that cannot be */
  constructor(connection: EngineConnection, means: ProbeMeans) {
    const { http, timeoutMs } = means;
    this.connection = connection;
    this.means = means;
    this.tools = toolsOf(connection, http, timeoutMs);
    this.asGuest = toolsOf({ ...connection, token: undefined }, http, timeoutMs);
  }

  /** Whether any answer said what time it is. */
  get knowsTime(): boolean {
    return this.hasDate;
  }

  /** @throws {NoAnswer} (as a rejection) */
  async ask({ method = "GET", path, headers, body, anonymous }: ProbeRequest): Promise<EngineAnswer> {
    const tools = anonymous === true ? this.asGuest : this.tools;
    const sentAt = systemClock.monotonic();
    const json = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.answered(() =>
      tools.exchange({ method, path, headers, body: json, signal: this.means.signal }),
    );
    const document = answer.document;
    const date = answer.header("date");
    this.hasDate ||= date !== undefined;
    this.clock.observe(date, sentAt, systemClock.monotonic());
    return {
      status: answer.status,
      body: document,
      reason: textAt(document, "reason"),
      message: textAt(document, "message") ?? textAt(document, "error") ?? "",
    };
  }

  private async answered(exchange: () => Promise<ToolAnswer>): Promise<ToolAnswer> {
    try {
      return await exchange();
    } catch (error) {
      if (this.means.signal.aborted) throw new NoAnswer("aborted", "interrupted", { cause: error });
      if (!isClientError(error)) throw error;
      throw new NoAnswer("unreachable", asFinding(error.message), { cause: error });
    }
  }
}

/** Without what was asked, and without the question at the end: a finding has a remedy. */
function asFinding(message: string): string {
  return message.replace(/^(?:GET|POST) \S+: /, "").replace(/\. Is [^.?]*\?$/, "");
}
