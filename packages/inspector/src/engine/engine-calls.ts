import { at, entriesOf, isObject, PATHS, parseJson, pathTo, textAt } from "@durable-workflow/engine-protocol";
import type {
  ActivityDescription,
  ActivityPage,
  ClusterInfo,
  HistoryPage,
  InspectedDetail,
  InspectedEngine,
  InspectedInputSchema,
  InspectedInputSchemas,
  InspectedPage,
  RegisteredWorker,
  StartedActivity,
  StartRequest,
} from "@durable-workflow/engine-protocol/control";
import {
  metadataOf,
  PAYLOAD_MEDIA_TYPE,
  payloadHeaders,
  type RuntimePayloadReference,
} from "@durable-workflow/engine-protocol/external-payloads";
import { Problem } from "../problem.js";
import { cutText } from "../text.js";
import { type EngineAnswer, type EngineCall, type EngineTransport, EngineUnreachable } from "./transport.js";

const LONGEST_REASON = 1_000;
const MOST_WORKERS = 2_000;
/** Four million characters, and what surrounds them. */
const SCHEMAS_LIMIT_BYTES = 16 * 1024 * 1024;
/** A page of a history may repeat the arguments of an activity with each event. */
const HISTORY_LIMIT_BYTES = 64 * 1024 * 1024;

type Query = Readonly<Record<string, string | undefined>>;

/** What is asked of an engine, each call typed. Whatever goes wrong is a {@link Problem}. */
export class EngineCalls {
  private readonly transport: EngineTransport;

  constructor(transport: EngineTransport) {
    this.transport = transport;
  }

  clusterInfo(): Promise<Partial<ClusterInfo>> {
    return this.get(PATHS.clusterInfo);
  }

  describe(id: string): Promise<ActivityDescription> {
    return this.get(pathTo(PATHS.activity, { id: askable(id) }));
  }

  list(query: Query): Promise<ActivityPage> {
    return this.get(withQuery(PATHS.activities, query));
  }

  history(id: string, runId: string, query: Query): Promise<HistoryPage> {
    const path = pathTo(PATHS.history, { id: askable(id), run: askable(runId) });
    return this.get(withQuery(path, query), HISTORY_LIMIT_BYTES);
  }

  /** At most 2,000. */
  async workers(): Promise<readonly RegisteredWorker[]> {
    const workers: RegisteredWorker[] = [];
    let token: string | undefined;
    do {
      const page: WorkerPage = await this.get(withQuery(PATHS.workers, { next_page_token: token }));
      if (!Array.isArray(page.workers)) throw noEngine("a list of workers");
      workers.push(...page.workers);
      token = page.next_page_token ?? undefined;
    } while (token !== undefined && workers.length < MOST_WORKERS);
    return workers;
  }

  inspection(): Promise<InspectedEngine> {
    return this.get(PATHS.inspection);
  }

  inspectedPage(query: Query): Promise<InspectedPage> {
    return this.get(withQuery(PATHS.inspectedActivities, query));
  }

  inspectedDetail(id: string, runId: string | undefined): Promise<InspectedDetail> {
    return this.get(withQuery(PATHS.inspectedActivity, { id, run: runId }));
  }

  /** What the arguments of activities look like. Nothing, of an engine that does not tell. */
  async inputSchemas(): Promise<readonly InspectedInputSchema[]> {
    try {
      const told: Partial<InspectedInputSchemas> = await this.get(PATHS.inspectedInputSchemas, SCHEMAS_LIMIT_BYTES);
      return Array.isArray(told.input_schemas) ? (told.input_schemas as readonly InspectedInputSchema[]) : [];
    } catch (error) {
      // Engines of before had no such route. A form without shapes is one all the same.
      if (error instanceof Problem) return [];
      throw error;
    }
  }

  start(request: StartRequest): Promise<StartedActivity> {
    return this.post(PATHS.activities, request);
  }

  async stop(
    how: "cancel" | "terminate",
    id: string,
    runId: string | undefined,
    reason: string | undefined,
  ): Promise<void> {
    const path =
      runId === undefined
        ? pathTo(PATHS[how], { id: askable(id) })
        : pathTo(how === "cancel" ? PATHS.cancelRun : PATHS.terminateRun, { id: askable(id), run: askable(runId) });
    await this.post(path, reason === undefined ? {} : { reason });
  }

  async drain(how: "drain" | "resume", queue: string): Promise<void> {
    await this.post(pathTo(how === "drain" ? PATHS.drainQueue : PATHS.resumeQueue, { queue: askable(queue) }), {});
  }

  /** The base64 text that a reference stands for, as it came. */
  async download(reference: RuntimePayloadReference): Promise<string> {
    const answer = await this.send({
      method: "GET",
      path: pathTo(PATHS.payload, { reference: reference.reference_id }),
      headers: { accept: PAYLOAD_MEDIA_TYPE, ...payloadHeaders(metadataOf(reference)) },
      limitBytes: reference.size_bytes + 1,
    });
    if (answer.status !== 200) throw refusal(answer);
    return answer.body;
  }

  private get<Document>(path: string, limitBytes?: number): Promise<Document> {
    return this.document({ method: "GET", path, ...(limitBytes === undefined ? {} : { limitBytes }) });
  }

  private post<Document>(path: string, body: object): Promise<Document> {
    return this.document({ method: "POST", path, body: JSON.stringify(body) });
  }

  private async document<Document>(call: EngineCall): Promise<Document> {
    const answer = await this.send(call);
    if (answer.status < 200 || answer.status > 299) throw refusal(answer);
    const document = parseJson(answer.body);
    if (!isObject(document)) throw noEngine("a JSON document");
    return document as Document;
  }

  private async send(call: EngineCall): Promise<EngineAnswer> {
    try {
      return await this.transport.request(call);
    } catch (error) {
      if (!(error instanceof EngineUnreachable)) throw error;
      throw new Problem("engine_unreachable", `the engine gave no answer: ${error.message}`, {
        hint: "The page goes on by itself once the engine answers again.",
        retryAfterSeconds: 2,
      });
    }
  }
}

interface WorkerPage {
  readonly workers: readonly RegisteredWorker[];
  readonly next_page_token?: string | null;
}

/** `.` and `..` would be taken out of a path on the way, and half a character cannot be part of one. */
function askable(part: string): string {
  if (part !== "" && part !== "." && part !== ".." && isWellFormed(part)) return part;
  throw new Problem("not_found", "no activity can have such an id");
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? path : `${path}?${given.join("&")}`;
}

function noEngine(expected: string): Problem {
  return new Problem("engine_error", `the answer is not ${expected}, as an engine's would be`, {
    hint: "Is this the address of an engine, and no proxy in between?",
  });
}

function refusal({ status, body, headers }: EngineAnswer): Problem {
  const document = parseJson(body);
  const reason = textAt(document, "reason") ?? null;
  const sentences = entriesOf(at(document, "errors"))
    .flatMap(([, value]) => value)
    .filter((one) => typeof one === "string");
  const message = sentences.length > 0 ? sentences.join(" ") : textAt(document, "message");
  const said = cutText(message ?? `the engine answers ${status}`, LONGEST_REASON);
  const engine = { status, reason };
  const wait = Number(headers["retry-after"]);
  const later = Number.isFinite(wait) && wait > 0 ? { retryAfterSeconds: wait } : {};
  if (status === 404) return new Problem("not_found", said, { engine });
  if (status === 401 || status === 403) {
    const hint = "The command that serves this page holds the token: start it again with an operator's.";
    return new Problem("unauthorized", `the engine does not let this page in: ${said}`, { engine, hint });
  }
  if (status === 413) return new Problem("too_large", said, { engine });
  if (status === 409 || status === 422) return new Problem("refused", said, { engine });
  return new Problem("engine_error", said, { engine, ...later });
}
