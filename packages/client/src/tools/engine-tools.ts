import { LIST_PAGE, PATHS, pathTo } from "@durable-workflow/engine-protocol";
import type { HistoryEvent, StartRequest } from "@durable-workflow/engine-protocol/control";
import type { RuntimePayloadReference } from "@durable-workflow/engine-protocol/external-payloads";
import { stop } from "../calls/stop.js";
import { ClientError } from "../errors/client-error.js";
import { type ClientOptions, settleOptions } from "../options.js";
import { ends, trouble } from "../parts.js";
import { type InlinePayload, keptAt, LargePayloads } from "../payload/large-payloads.js";
import { Scope } from "../scope.js";
import { begin } from "../start/start.js";
import { ulid } from "../start/ulid.js";
import { fetchTransport } from "../transport/fetch.js";
import type { Transport } from "../transport/transport.js";
import { subjectOf } from "../trouble/subject.js";
import { unanswered } from "../trouble/unanswered.js";
import { type Answer, type Call, Connection } from "../wire/connection.js";
import { type About, Engine } from "../wire/engine.js";
import {
  type ActivityDescription,
  type ListedActivity,
  type ListedInputSchema,
  type ListedWorker,
  readActivityPage,
  readClusterInfo,
  readDescription,
  readHistoryPage,
  readInputSchemaList,
  readWorkerPage,
  type StartedActivity,
  WrongAnswer,
} from "./answers.js";
import { type EventStreamOptions, eventStream } from "./event-stream.js";
import { allPages } from "./pages.js";

/** A request of a tool's own. */
export interface ToolRequest extends Pick<Call, "method" | "path" | "body" | "headers" | "limitBytes"> {
  /** Aborted: the request is given up, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether a payload that is kept apart can be fetched; where not, the status of the engine's answer. */
export type Availability = { readonly isAvailable: true } | { readonly isAvailable: false; readonly status: number };

/** Smaller ones are sent without asking what the engine takes. */
const ASK_FROM_BYTES = 65_536;

/**
 * What tools need of an engine beside the client: documents as they are on the wire, histories, workers, and payloads that are
 * not decoded. Requests, tries, limits and errors are those of the client. It ends with its process: there is nothing to
 * close but the transport, which is its maker's.
 */
export class EngineTools {
  readonly url: string;
  private readonly engine: Engine;
  private readonly connection: Connection;
  private readonly large: LargePayloads;
  private readonly transport: Transport;
  private readonly forGood = new Scope([]);

  /**
   * @param options of `createClient`, but for `defaults`, which start nothing here. Default of `transport`: `fetch`
   * @throws {TypeError} for options that are not known, or cannot be
   */
  constructor(options: Omit<ClientOptions, "defaults">) {
    const settled = settleOptions(options, fetchTransport);
    this.transport = settled.transport;
    this.connection = new Connection(settled);
    this.engine = new Engine(this.connection, settled, { trouble, ends });
    this.url = settled.serverUrl;
    this.large = new LargePayloads(this.engine);
  }

  /**
   * Starts an activity as the client does: an answer that was lost is looked for by the id, for which there is a ULID where
   * none is given. Arguments of more than 64 KiB are uploaded where the engine wants that.
   *
   * @returns what was started, and the request as it was sent
   * @throws {ClientError} as `Client.start`, without a handle
   */
  async start(
    request: Omit<StartRequest, "input">,
    input: InlinePayload | undefined,
  ): Promise<{ readonly started: StartedActivity; readonly request: StartRequest }> {
    const { activity_type: type, activity_id: given } = request;
    const bounds = this.bounds();
    const isLarge = input !== undefined && input.blob.length > ASK_FROM_BYTES;
    const sent = isLarge ? await this.large.sent(type, input, bounds) : input;
    const whole = {
      ...request,
      activity_id: given ?? ulid(this.engine.clock.now()),
      ...(sent !== undefined && { input: sent }),
    };
    const order = {
      request: whole,
      isOwnId: given === undefined,
      onRunning: "error",
      onClosed: "restart",
      handleOf: () => undefined,
    } as const;
    const { runId } = await begin(this.engine, order, bounds, trouble);
    const { activity_id, activity_type, task_queue } = whole;
    return { started: { activity_id, workflow_run_id: runId, activity_type, task_queue }, request: whole };
  }

  /** The newest run of an id. @throws {ClientError} */
  describe(id: string): Promise<ActivityDescription> {
    const about = { what: `describing ${id}`, activityId: id };
    return this.read(pathTo(PATHS.activity, { id }), about, readDescription);
  }

  /** The newest activities, at most `limit`. @param query such as `status`, as the route has it @throws {ClientError} */
  list(limit: number, query: Readonly<Record<string, string>> = {}): Promise<readonly ListedActivity[]> {
    return allPages(
      "activities",
      async (token, room) => {
        const page = { page_size: String(Math.min(LIST_PAGE.most, room)), ...tokenQuery(token) };
        const path = `${PATHS.activities}?${new URLSearchParams({ ...query, ...page }).toString()}`;
        const read = await this.read(path, { what: "listing activities" }, readActivityPage);
        return { items: read.activities, next: read.next_page_token };
      },
      limit,
    );
  }

  /** The whole history of a run. @throws {ClientError} */
  history(id: string, runId: string): Promise<readonly HistoryEvent[]> {
    const about = { what: `reading the history of ${id}`, activityId: id };
    return allPages("events of the history", async (token) => {
      const path = withToken(pathTo(PATHS.history, { id, run: runId }), token);
      const read = await this.read(path, about, readHistoryPage);
      return { items: read.events, next: read.next_page_token };
    });
  }

  /** The registered workers. @throws {ClientError} where they cannot be told, too: the token may not ask, or there is no such list */
  workers(): Promise<readonly ListedWorker[]> {
    return allPages("workers", async (token) => {
      const read = await this.read(withToken(PATHS.workers, token), { what: "listing workers" }, readWorkerPage);
      return { items: read.workers, next: read.next_page_token };
    });
  }

  /**
   * What workers have said of the arguments of an activity type, those told last first.
   *
   * @throws {ClientError} where it cannot be told, too: the token may not ask, or the engine keeps no such thing, as servers do not
   */
  inputSchemas(activityType: string): Promise<readonly ListedInputSchema[]> {
    const path = `${PATHS.inspectedInputSchemas}?activity_type=${encodeURIComponent(activityType)}`;
    return this.read(path, { what: "asking what arguments look like" }, readInputSchemaList);
  }

  /** What the engine says of itself. @throws {ClientError} */
  clusterInfo(): Promise<Readonly<Record<string, unknown>>> {
    return this.read(PATHS.clusterInfo, { what: "asking what the engine is" }, readClusterInfo);
  }

  /** Ends the newest run of an id. False when it had ended before. @throws {ClientError} */
  stop(how: "cancel" | "terminate", id: string, reason?: string): Promise<boolean> {
    return stop(this.engine, { how, id, runId: undefined, reason }, this.bounds());
  }

  /** A payload that is kept apart, with size and SHA-256 compared. @throws {ClientError} `payload_invalid`, and those of any call */
  async download(reference: RuntimePayloadReference): Promise<InlinePayload> {
    const what = `fetching the payload ${reference.reference_id}`;
    const payload = await this.large.download(reference, what, this.bounds());
    if (payload !== undefined) return payload;
    throw new ClientError("payload_invalid", `${what}: it is not what its reference says: size or SHA-256 differ`);
  }

  /** Asks for the head of the answer alone. @throws {ClientError} when there is no answer */
  async availability(reference: RuntimePayloadReference): Promise<Availability> {
    const { status } = await this.exchange({ method: "HEAD", ...keptAt(reference) });
    return status === 200 ? { isAvailable: true } : { isAvailable: false, status };
  }

  /**
   * One try of a request of the tool's own, whatever is answered.
   *
   * @throws {ClientError} `unreachable` or `not_an_engine` when there is no whole answer; the signal's reason
   */
  async exchange({ signal, ...request }: ToolRequest): Promise<Answer> {
    const scope = new Scope([signal]);
    try {
      const answer = await this.connection.exchange(request, scope, this.engine.requestTimeoutMs);
      if (answer.why === undefined) return answer;
      const about = { what: `${request.method} ${request.path}`, acts: request.method === "POST" };
      throw unanswered(answer, subjectOf(this.engine, about));
    } finally {
      scope.end();
    }
  }

  /**
   * Reads a stream of server-sent events until the signal is aborted, or the stream ends. False where there is none: the
   * engine has no such route, or the transport hands over whole answers alone, as all but `undiciTransport` do.
   *
   * @param path with its query
   */
  async events(path: string, options: EventStreamOptions): Promise<boolean> {
    const { connection, transport } = this;
    const headers = {
      ...connection.plainHeaders,
      ...(await connection.authorized()),
      accept: "text/event-stream",
    };
    return eventStream(transport, { url: this.url + path, headers }, options);
  }

  private bounds(): ReturnType<Engine["bounds"]> {
    return this.engine.bounds(this.forGood);
  }

  private async read<Body>(path: string, about: About, reader: (document: unknown) => Body): Promise<Body> {
    const answer = await this.engine.ask({ method: "GET", path }, about, this.bounds());
    try {
      return reader(answer.document);
    } catch (error) {
      if (!(error instanceof WrongAnswer)) throw error;
      const route = path.replace(/\?.*$/, "");
      const told = `${about.what}: ${this.url} answers GET ${route} as no engine does: ${error.message}`;
      throw new ClientError("not_an_engine", told, { status: answer.status, cause: error });
    }
  }
}

function tokenQuery(token: string | undefined): { readonly next_page_token?: string } {
  return token === undefined ? {} : { next_page_token: token };
}

function withToken(path: string, token: string | undefined): string {
  return token === undefined ? path : `${path}?${new URLSearchParams(tokenQuery(token)).toString()}`;
}
