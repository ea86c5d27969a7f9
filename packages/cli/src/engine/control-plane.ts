import type { Transport } from "@durable-workflow/client";
import {
  type ActivityDescription,
  type Availability,
  EngineTools,
  type InlinePayload,
  type ListedActivity,
  type ListedInputSchema,
  type ListedWorker,
  type StartedActivity,
} from "@durable-workflow/client/tools";
import { PATHS, parseJson } from "@durable-workflow/engine-protocol";
import type { HistoryEvent, StartRequest } from "@durable-workflow/engine-protocol/control";
import type { RuntimePayloadReference } from "@durable-workflow/engine-protocol/external-payloads";
import type { HttpClient } from "../net/http-client.js";
import { CliError, EXIT } from "../shell/command.js";
import { asCliErrors, NotActive } from "./client-errors.js";
import type { EngineConnection } from "./connection.js";
import { type EngineEvent, readEngineEvent } from "./engine-event.js";

/** How an engine is reached. */
type Reached = Pick<EngineConnection, "url" | "namespace" | "token" | "tlsVerify">;

/** For one try of a request, to the last byte of its answer. */
const TIMEOUT_MS = 30_000;

/** The client's door for tools, by the command's agents. @throws {CliError} for a connection that cannot be */
export function toolsOf(
  { url, namespace, token, tlsVerify }: Reached,
  http: HttpClient,
  requestTimeoutMs = TIMEOUT_MS,
): EngineTools {
  let transport: Transport;
  try {
    transport = http.transport(new URL(url), { verify: tlsVerify });
    return new EngineTools({ serverUrl: url, namespace, token, transport, requestTimeoutMs });
  } catch (error) {
    if (error instanceof TypeError) throw new CliError(EXIT.config, error.message);
    throw error;
  }
}

/** The control plane of an engine, asked by the client. Errors are CliErrors that say what to do. */
export class ControlPlane {
  readonly url: string;
  private readonly connection: EngineConnection;
  private readonly tools: EngineTools;

  constructor(connection: EngineConnection, http: HttpClient) {
    this.url = connection.url;
    this.connection = connection;
    this.tools = toolsOf(connection, http);
  }

  /** @returns what was started, and the request as it was sent */
  start(
    request: Omit<StartRequest, "input">,
    input: InlinePayload | undefined,
  ): Promise<{ readonly started: StartedActivity; readonly request: StartRequest }> {
    return this.asked(() => this.tools.start(request, input));
  }

  describe(id: string): Promise<ActivityDescription> {
    return this.asked(() => this.tools.describe(askable(id)));
  }

  /** The newest activities, at most `limit`. */
  list(limit: number, query: Readonly<Record<string, string>>): Promise<readonly ListedActivity[]> {
    return this.asked(() => this.tools.list(limit, query));
  }

  /** @throws {NotActive} for one that is over */
  async stop(how: "cancel" | "terminate", id: string, reason: string | undefined): Promise<void> {
    if (await this.asked(() => this.tools.stop(how, askable(id), reason))) return;
    throw new NotActive(EXIT.failed, `the activity ${id} is over`, `dw-carrier show ${id} tells how it ended.`);
  }

  /** The whole history of a run. */
  history(id: string, runId: string): Promise<readonly HistoryEvent[]> {
    return this.asked(() => this.tools.history(askable(id), askable(runId)));
  }

  /** The registered workers; undefined where they cannot be told: the token may not ask, or the engine has no such list. */
  async workers(): Promise<readonly ListedWorker[] | undefined> {
    try {
      return await this.asked(() => this.tools.workers());
    } catch (error) {
      if (error instanceof CliError) return undefined;
      throw error;
    }
  }

  /**
   * What workers have said of the arguments of an activity type, best those of a task queue: a JSON Schema of the list of them.
   * Undefined where the engine knows of none, or does not tell.
   */
  async inputSchema(activityType: string, taskQueue: string): Promise<ListedInputSchema["schema"] | undefined> {
    try {
      const told = await this.asked(() => this.tools.inputSchemas(activityType));
      return (told.find((one) => one.task_queue === taskQueue) ?? told[0])?.schema;
    } catch (error) {
      if (error instanceof CliError) return undefined;
      throw error;
    }
  }

  /** What kind of engine it is. */
  clusterInfo(): Promise<Readonly<Record<string, unknown>>> {
    return this.asked(() => this.tools.clusterInfo());
  }

  /** A payload that the engine keeps, as its reference says. */
  download(reference: RuntimePayloadReference): Promise<InlinePayload> {
    return this.asked(() => this.tools.download(reference));
  }

  availability(reference: RuntimePayloadReference): Promise<Availability> {
    return this.asked(() => this.tools.availability(reference));
  }

  /**
   * Calls back whenever something happens to an activity, until the signal is aborted. False where the engine has no such
   * stream, as servers do not: it is then to be asked.
   *
   * @param onEnd called when the stream is over, by the signal or otherwise
   */
  onEvents(signal: AbortSignal, onEvent: (event: EngineEvent) => void, onEnd?: () => void): Promise<boolean> {
    return this.tools.events(PATHS.events, {
      signal,
      onEnd,
      onEvent: (name, data) => {
        const event = readEngineEvent(name, parseJson(data));
        if (event !== undefined) onEvent(event);
      },
    });
  }

  private asked<T>(work: () => Promise<T>): Promise<T> {
    return asCliErrors(this.connection, work);
  }
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
