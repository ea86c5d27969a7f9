import { Agent, fetch, type Response } from "undici";
import { CliError, EXIT } from "../command.js";
import type { EngineConnection } from "./connection.js";
import type {
  ActivityDescription,
  ActivityPage,
  HistoryEvent,
  HistoryPage,
  StartedActivity,
  StartRequest,
} from "@durable-workflow/engine-protocol/control";
import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  NAMESPACE_FIELD,
  PATHS,
  pathTo,
} from "@durable-workflow/engine-protocol";

const TIMEOUT_MS = 30_000;

/** The control plane of an engine, as far as activities need it. Errors are CliErrors that say what to do. */
export class EngineClient {
  readonly url: string;
  private readonly connection: EngineConnection;
  private readonly agent: Agent;

  constructor(connection: EngineConnection) {
    this.url = connection.url;
    this.connection = connection;
    this.agent = new Agent({ connect: { rejectUnauthorized: connection.tlsVerify } });
  }

  start(request: StartRequest): Promise<StartedActivity> {
    return this.call<StartedActivity>("POST", PATHS.activities, request);
  }

  describe(id: string): Promise<ActivityDescription> {
    return this.call("GET", pathTo(PATHS.activity, { id }), undefined, id);
  }

  list(query: Readonly<Record<string, string>>): Promise<ActivityPage> {
    return this.call("GET", `${PATHS.activities}?${new URLSearchParams(query).toString()}`);
  }

  async stop(how: "cancel" | "terminate", id: string, reason: string | undefined): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    await this.call("POST", pathTo(PATHS[how], { id }), body, id);
  }

  /** The whole history of a run. */
  async history(id: string, runId: string): Promise<readonly HistoryEvent[]> {
    const path = pathTo(PATHS.history, { id, run: runId });
    const events: HistoryEvent[] = [];
    let token: string | null | undefined;
    do {
      const query = token === undefined || token === null ? "" : `?next_page_token=${encodeURIComponent(token)}`;
      const page: HistoryPage = await this.call("GET", `${path}${query}`, undefined, id);
      events.push(...page.events);
      // An engine that hands out the page before again must not keep us.
      token = page.next_page_token === token ? null : page.next_page_token;
    } while (token !== undefined && token !== null);
    return events;
  }

  /** What kind of engine it is. */
  clusterInfo(): Promise<Readonly<Record<string, unknown>>> {
    return this.call("GET", PATHS.clusterInfo);
  }

  /**
   * Calls back whenever something happens to an activity, until the signal is aborted. False where the engine has no such
   * stream, as servers do not: it is then to be asked.
   */
  async onEvents(signal: AbortSignal, onEvent: (activityId: string) => void): Promise<boolean> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${PATHS.events}`, {
        headers: { ...this.headers(), accept: "text/event-stream" },
        signal,
        redirect: "manual",
        dispatcher: this.agent,
      });
    } catch {
      return false;
    }
    const { body, headers } = response;
    if (
      response.status !== 200 ||
      body === null ||
      !(headers.get("content-type") ?? "").startsWith("text/event-stream")
    ) {
      await body?.cancel().catch(() => {});
      return false;
    }
    void readEvents(body, onEvent).catch(() => {});
    return true;
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }

  private headers(): Record<string, string> {
    const { token, namespace } = this.connection;
    return {
      accept: "application/json",
      [NAMESPACE_FIELD]: namespace,
      [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  /** @param activity whose id the path has: it may be one that the engine does not know */
  private async call<Body>(method: "GET" | "POST", path: string, body?: object, activity?: string): Promise<Body> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        headers: { ...this.headers(), ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // The token would go with it.
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        dispatcher: this.agent,
      });
      text = await response.text();
    } catch (error) {
      throw this.unreachable(error, method === "POST");
    }
    const document = parse(text);
    if (document === undefined) {
      const what = `${this.url} answers ${response.status} without JSON`;
      throw new CliError(EXIT.unreachable, what, "Is this the address of an engine, and no proxy in between?");
    }
    if (response.ok) return document as Body;
    throw this.refused(response.status, document, activity);
  }

  private unreachable(error: unknown, mayHaveArrived: boolean): CliError {
    const { cause, name, message } = error as Error & { cause?: { code?: string; message?: string } };
    const why =
      name === "TimeoutError" ? `no answer within ${TIMEOUT_MS / 1000} s` : (cause?.code ?? cause?.message ?? message);
    const isDown = cause?.code === "ECONNREFUSED" || cause?.code === "ENOTFOUND";
    const hint =
      mayHaveArrived && !isDown
        ? "It may have done all the same what was asked: dw-carrier list shows the activities that it has."
        : this.connection.source === "default"
          ? "dw-carrier dev FILE runs an engine here; --server URL or DURABLE_WORKFLOW_SERVER_URL names another."
          : "Is it running, and is the address right?";
    return new CliError(EXIT.unreachable, `the engine at ${this.url} cannot be reached (${why})`, hint);
  }

  private refused(status: number, document: Readonly<Record<string, unknown>>, activity: string | undefined): CliError {
    const said = messageOf(document) ?? `status ${status}`;
    if (status === 404 && activity !== undefined) {
      const where = `the engine at ${this.url} has no activity ${activity} in the namespace ${this.connection.namespace}`;
      return new CliError(EXIT.failed, where, "dw-carrier list shows those that it has.");
    }
    if (status === 409 && activity !== undefined && /not_active/.test(said)) {
      return new CliError(
        EXIT.failed,
        `the activity ${activity} is over`,
        `dw-carrier show ${activity} tells how it ended.`,
      );
    }
    if (status === 401 || status === 403) {
      return new CliError(
        EXIT.config,
        `the engine at ${this.url} does not let us: ${said}`,
        "It wants an operator's token: put it into DURABLE_WORKFLOW_AUTH_TOKEN, or name its variable with --token-env.",
      );
    }
    if (status === 422 || status === 400) return new CliError(EXIT.usage, `the engine refuses it: ${said}`);
    if (status >= 500) return new CliError(EXIT.unreachable, `the engine at ${this.url} fails with ${status}: ${said}`);
    return new CliError(EXIT.failed, said);
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" && document !== null ? (document as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What an engine says is wrong: the sentences about fields, else its own. */
function messageOf({
  errors,
  validation_errors: older,
  message,
  error,
  reason,
  rejection_reason: rejection,
}: Readonly<Record<string, unknown>>): string | undefined {
  const fields = [errors, older].find((candidate) => typeof candidate === "object" && candidate !== null);
  const sentences = Object.values(fields ?? {})
    .flat()
    .filter((sentence) => typeof sentence === "string");
  if (sentences.length > 0) return sentences.join(" ");
  return [message, error, reason, rejection].find((text): text is string => typeof text === "string" && text !== "");
}

async function readEvents(body: AsyncIterable<Uint8Array>, onEvent: (activityId: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = line.startsWith("data:") ? parse(line.slice(5)) : undefined;
      if (typeof event?.["activity_id"] === "string") onEvent(event["activity_id"]);
    }
  }
}
