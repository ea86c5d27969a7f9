import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  LIST_PAGE,
  NAMESPACE_FIELD,
  PATHS,
  parseJson,
  pathTo,
} from "@durable-workflow/engine-protocol";
import type { HistoryEvent, StartRequest } from "@durable-workflow/engine-protocol/control";
import type { EventStreamOptions } from "../net/event-stream.js";
import { type Answer, NoAnswer } from "../net/exchange.js";
import type { HttpClient } from "../net/http-client.js";
import { CliError, EXIT } from "../shell/command.js";
import { cut } from "../shell/terminal-text.js";
import type { ActivityDescription, ListedActivity, ListedWorker, StartedActivity } from "./answer.js";
import {
  readAccepted,
  readActivityPage,
  readClusterInfo,
  readDescription,
  readHistoryPage,
  readStarted,
  readWorkerPage,
  WrongAnswer,
} from "./answer.js";
import type { EngineConnection } from "./connection.js";
import { type EngineEvent, readEngineEvent } from "./engine-event.js";
import { allPages } from "./pages.js";

/** For one answer, to its last byte. */
const TIMEOUT_MS = 30_000;
/** Arguments, result and details of one activity are each a few MiB; a page of its history may have all of them. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;
/** An answer may be long, a sentence is not. */
const LONGEST_REASON = 2_000;
const IS_IT = "Is this the address of an engine, and no proxy in between?";

/** There is no such activity, or it is over. */
export class NotActive extends CliError {}

interface Call<Body> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  /** Whose id the path has: it may be one that the engine does not know. */
  readonly activity?: string;
  /** @throws {WrongAnswer} */
  readonly read: (document: unknown) => Body;
}

/**
 * The control plane of an engine, as far as activities need it. Every answer is bounded in time and size, and read field
 * by field. Errors are CliErrors that say what to do.
 */
export class ControlPlane {
  readonly url: string;
  private readonly connection: EngineConnection;
  private readonly http: HttpClient;

  constructor(connection: EngineConnection, http: HttpClient) {
    this.url = connection.url;
    this.connection = connection;
    this.http = http;
  }

  start(request: StartRequest): Promise<StartedActivity> {
    return this.call({ method: "POST", path: PATHS.activities, body: request, read: readStarted });
  }

  describe(id: string): Promise<ActivityDescription> {
    return this.call({
      method: "GET",
      path: pathTo(PATHS.activity, { id: askable(id) }),
      activity: id,
      read: readDescription,
    });
  }

  /** The newest activities, at most `limit`. */
  list(limit: number, query: Readonly<Record<string, string>>): Promise<readonly ListedActivity[]> {
    return allPages(
      "activities",
      async (token, room) => {
        const page = { page_size: String(Math.min(LIST_PAGE.most, room)), ...tokenQuery(token) };
        const path = `${PATHS.activities}?${new URLSearchParams({ ...query, ...page }).toString()}`;
        const { activities, next_page_token: next } = await this.call({ method: "GET", path, read: readActivityPage });
        return { items: activities, next };
      },
      limit,
    );
  }

  async stop(how: "cancel" | "terminate", id: string, reason: string | undefined): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    const path = pathTo(PATHS[how], { id: askable(id) });
    await this.call({ method: "POST", path, body, activity: id, read: readAccepted });
  }

  /** The whole history of a run. */
  history(id: string, runId: string): Promise<readonly HistoryEvent[]> {
    const path = pathTo(PATHS.history, { id: askable(id), run: askable(runId) });
    return allPages("events of the history", async (token) => {
      const query = token === undefined ? "" : `?${new URLSearchParams(tokenQuery(token)).toString()}`;
      const { events, next_page_token: next } = await this.call({
        method: "GET",
        path: path + query,
        activity: id,
        read: readHistoryPage,
      });
      return { items: events, next };
    });
  }

  /** The registered workers; undefined where they cannot be told: the token may not ask, or the engine has no such list. */
  async workers(): Promise<readonly ListedWorker[] | undefined> {
    try {
      return await allPages("workers", async (token) => {
        const query = token === undefined ? "" : `?${new URLSearchParams(tokenQuery(token)).toString()}`;
        const page = await this.call({ method: "GET", path: PATHS.workers + query, read: readWorkerPage });
        return { items: page.workers, next: page.next_page_token };
      });
    } catch (error) {
      if (error instanceof CliError) return undefined;
      throw error;
    }
  }

  /** What kind of engine it is. */
  clusterInfo(): Promise<Readonly<Record<string, unknown>>> {
    return this.call({ method: "GET", path: PATHS.clusterInfo, read: readClusterInfo });
  }

  /**
   * Calls back whenever something happens to an activity, until the signal is aborted. False where the engine has no such
   * stream, as servers do not: it is then to be asked.
   *
   * @param onEnd called when the stream is over, by the signal or otherwise
   */
  onEvents(signal: AbortSignal, onEvent: (event: EngineEvent) => void, onEnd?: () => void): Promise<boolean> {
    const { token, tlsVerify } = this.connection;
    const events = new URL(`${this.url}${PATHS.events}`);
    const options: EventStreamOptions = {
      headers: this.headers(),
      token,
      signal,
      onEnd,
      onEvent: (name, data) => {
        const event = readEngineEvent(name, parseJson(data));
        if (event !== undefined) onEvent(event);
      },
    };
    return this.http.events(events, options, { verify: tlsVerify });
  }

  private headers(): Record<string, string> {
    const { namespace } = this.connection;
    return {
      accept: "application/json",
      [NAMESPACE_FIELD]: namespace,
      [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION,
    };
  }

  private async call<Body>({ method, path, body, activity, read }: Call<Body>): Promise<Body> {
    let answer: Answer;
    try {
      answer = await this.http.exchange(
        new URL(`${this.url}${path}`),
        {
          method,
          headers: {
            ...this.headers(),
            "accept-encoding": "identity",
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          token: this.connection.token,
          body: body === undefined ? undefined : JSON.stringify(body),
          timeoutMs: TIMEOUT_MS,
          limitBytes: ANSWER_LIMIT_BYTES,
          unpack: true,
        },
        { verify: this.connection.tlsVerify },
      );
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      throw this.unreachable(error, method === "POST");
    }
    const { status } = answer;
    const document = parseJson(answer.body);
    const isEngines = typeof document === "object" && document !== null;
    if (!isEngines) throw new CliError(EXIT.unreachable, `${this.url} answers ${status} without JSON`, IS_IT);
    if (status < 200 || status > 299) {
      throw this.refused(status, document as Readonly<Record<string, unknown>>, activity);
    }
    try {
      return read(document);
    } catch (error) {
      if (!(error instanceof WrongAnswer)) throw error;
      const what = `${this.url} answers ${method} ${path.replace(/\?.*$/, "")} as engines do not: ${error.message}`;
      throw new CliError(EXIT.unreachable, what, IS_IT);
    }
  }

  private unreachable({ why, message }: NoAnswer, mayHaveArrived: boolean): CliError {
    if (why === "too_large") {
      return new CliError(EXIT.unreachable, `the engine at ${this.url} does not end: ${message}`, IS_IT);
    }
    const hint =
      mayHaveArrived && why !== "unreachable"
        ? "It may have done all the same what was asked: dw-carrier list shows the activities that it has."
        : this.connection.source === "default"
          ? "dw-carrier dev FILE runs an engine here; --server URL or DURABLE_WORKFLOW_SERVER_URL names another."
          : "Is it running, and is the address right?";
    return new CliError(EXIT.unreachable, `the engine at ${this.url} cannot be reached (${message})`, hint);
  }

  private refused(status: number, document: Readonly<Record<string, unknown>>, activity: string | undefined): CliError {
    const said = cut(messageOf(document) ?? `status ${status}`, LONGEST_REASON);
    if (status === 404 && activity !== undefined) {
      const where = `the engine at ${this.url} has no activity ${activity} in the namespace ${this.connection.namespace}`;
      return new NotActive(EXIT.failed, where, "dw-carrier list shows those that it has.");
    }
    if (status === 409 && activity !== undefined && /not_active/.test(said)) {
      return new NotActive(
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

function tokenQuery(token: string | undefined): { readonly next_page_token?: string } {
  return token === undefined ? {} : { next_page_token: token };
}

/**
 * An id as part of a path.
 *
 * @throws {CliError} for what no path can name: URLs take `.` and `..` for folders
 */
export function askable(id: string): string {
  try {
    if (id !== "." && id !== ".." && encodeURIComponent(id) !== "") return id;
  } catch {
    // Half a character.
  }
  throw new CliError(
    EXIT.usage,
    `no activity can be asked for by the id ${id}`,
    "dw-carrier list shows those there are.",
  );
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
