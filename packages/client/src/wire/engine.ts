import type { Clock } from "@durable-workflow/carrier";
import { fieldOf, LIST_PAGE, PATHS, pathTo } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { jittered, sleep } from "../clock.js";
import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, ListQuery } from "../handle.js";
import { type Answer, type Call, type Connection, NoAnswer } from "./connection.js";
import { readDescription, readSummaryPage, type SummaryPage } from "./description.js";
import { reasonOf, refusal, type Subject, unanswered } from "./refusal.js";

/** How often a request is tried that may be repeated. */
export const TRIES = 3;
export const FIRST_PAUSE_MS = 100;

export interface EngineOptions {
  readonly namespace: string;
  readonly requestTimeoutMs: number;
}

/** How long a call may take, and who may give it up. */
export interface Bounds {
  readonly signal: AbortSignal;
  /** On the monotonic clock, over all tries. */
  readonly deadline: number;
}

export interface Described {
  readonly description: ActivityDescription;
  readonly answer: Answer;
}

type Request = Pick<Call, "method" | "path" | "body" | "headers" | "limitBytes">;
export type About = Pick<Subject, "what"> & { readonly activityId?: string | undefined; readonly acts?: boolean };

/** The operations of the control plane that activities need. Every answer is bounded in time and size, and read field by field. */
export class Engine {
  readonly clock: Clock;
  readonly url: string;
  readonly requestTimeoutMs: number;
  private readonly connection: Connection;
  private readonly namespace: string;
  /** Whether the engine stops a certain run; undefined before it was tried. */
  private stopsRuns: boolean | undefined;

  constructor(connection: Connection, { namespace, requestTimeoutMs }: EngineOptions) {
    this.connection = connection;
    this.clock = connection.clock;
    this.url = connection.url;
    this.namespace = namespace;
    this.requestTimeoutMs = requestTimeoutMs;
  }

  /** For one call from now on: tries, pauses and bodies. */
  bounds(signal: AbortSignal): Bounds {
    return { signal, deadline: this.clock.monotonic() + this.requestTimeoutMs * TRIES };
  }

  left({ deadline }: Bounds): number {
    return deadline - this.clock.monotonic();
  }

  subject({ what, activityId, acts = false }: About): Subject {
    const { url, namespace } = this;
    return { url, namespace, what, activityId, acts, shown: (text) => this.connection.shown(text) };
  }

  /** One try of a start, whatever is answered. @throws {NoAnswer} */
  postStart(request: StartRequest, bounds: Bounds): Promise<Answer> {
    return this.once({ method: "POST", path: PATHS.activities, body: JSON.stringify(request) }, bounds);
  }

  /** @param wait seconds for which the engine may hold the answer back until the activity has ended; engines may not know it */
  async describe(id: string, bounds: Bounds, { wait = 0, tries = TRIES } = {}): Promise<Described> {
    const about = { what: `describing ${id}`, activityId: id };
    const path = pathTo(PATHS.activity, { id }) + (wait === 0 ? "" : `?wait=${wait}`);
    const answer = await this.ask({ method: "GET", path }, about, bounds, { tries, moreMs: wait * 1000 });
    const description = readDescription(answer.document);
    if (description === undefined) throw this.unreadable(answer, about);
    return { description, answer };
  }

  async page(
    { bucket, pageSize = LIST_PAGE.default }: ListQuery,
    token: string | undefined,
    bounds: Bounds,
  ): Promise<SummaryPage> {
    const about = { what: "listing activities" };
    const query = new URLSearchParams({
      page_size: String(pageSize),
      ...(bucket && { status: bucket }),
      ...(token !== undefined && { next_page_token: token }),
    });
    const answer = await this.ask({ method: "GET", path: `${PATHS.activities}?${query.toString()}` }, about, bounds);
    const page = readSummaryPage(answer.document);
    if (page === undefined) throw this.unreadable(answer, about);
    return page;
  }

  clusterInfo(bounds: Bounds): Promise<Answer> {
    return this.ask({ method: "GET", path: PATHS.clusterInfo }, { what: "asking what the engine takes" }, bounds);
  }

  /**
   * Cancels or terminates. A run that is named is stopped and no other: where the engine cannot do so by itself, the id is
   * stopped while that run is its newest.
   *
   * @returns false when it had ended before
   */
  async stop(
    how: "cancel" | "terminate",
    id: string,
    runId: string | undefined,
    reason: string | undefined,
    bounds: Bounds,
  ): Promise<boolean> {
    if (runId !== undefined && this.stopsRuns !== false) {
      const pattern = how === "cancel" ? PATHS.cancelRun : PATHS.terminateRun;
      const stopped = await this.stopAt(how, pathTo(pattern, { id, run: runId }), { id, runId }, reason, bounds);
      if (stopped !== "no_route") {
        this.stopsRuns = true;
        return stopped;
      }
      this.stopsRuns = false;
    }
    if (runId !== undefined) {
      const { description } = await this.describe(id, bounds);
      // A newer run began after this one had ended.
      if (description.runId !== runId || description.status !== "running") return false;
    }
    const stopped = await this.stopAt(how, pathTo(PATHS[how], { id }), { id, runId }, reason, bounds);
    if (stopped !== "no_route") return stopped;
    throw new ClientError("not_an_engine", `${this.url} cannot ${how} activities: it has no such route`);
  }

  private async stopAt(
    how: "cancel" | "terminate",
    path: string,
    { id, runId }: { readonly id: string; readonly runId: string | undefined },
    reason: string | undefined,
    bounds: Bounds,
  ): Promise<boolean | "no_route"> {
    const about = { what: `${how === "cancel" ? "cancelling" : "terminating"} ${id}`, activityId: id, acts: true };
    let isRepeated = false;
    try {
      const body = JSON.stringify(reason === undefined ? {} : { reason });
      await this.ask({ method: "POST", path, body }, about, bounds, { onRepeat: () => (isRepeated = true) });
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (error.status === 405 || (error.status === 404 && error.code === "not_an_engine")) return "no_route";
      if (error.status !== 409 || error.reason !== "run_not_active") throw error;
      if (!isRepeated) return false;
      // The try before may have been the one that ended it.
      const { description } = await this.describe(id, bounds);
      const isSame = runId === undefined || description.runId === runId;
      return isSame && description.status === (how === "cancel" ? "cancelled" : "terminated");
    }
  }

  /**
   * A request that may be repeated, until there is an answer of success.
   *
   * @throws {ClientError} when there is none within the bounds
   */
  async ask(
    request: Request,
    about: About,
    bounds: Bounds,
    { tries = TRIES, moreMs = 0, onRepeat }: { tries?: number; moreMs?: number; onRepeat?: () => void } = {},
  ): Promise<Answer> {
    for (let count = 1; ; count++) {
      const trouble = await this.attempt(request, about, bounds, moreMs);
      if (!(trouble instanceof ClientError)) return trouble;
      const pause = Math.max(jittered(FIRST_PAUSE_MS * 2 ** (count - 1)), trouble.retryAfterMs ?? 0);
      if (!trouble.retryable || count >= tries || pause >= this.left(bounds)) throw trouble;
      await sleep(this.clock, pause, bounds.signal);
      if (trouble.mayHaveActed) onRepeat?.();
    }
  }

  private async attempt(request: Request, about: About, bounds: Bounds, moreMs: number): Promise<Answer | ClientError> {
    try {
      const answer = await this.once(request, bounds, moreMs);
      const isRead = answer.document !== undefined || answer.header("content-type") === "application/octet-stream";
      if (answer.status >= 200 && answer.status < 300 && isRead) return answer;
      return refusal(answer, this.subject(about));
    } catch (error) {
      if (error instanceof NoAnswer) return unanswered(error, this.subject(about));
      throw error;
    }
  }

  private once(request: Request, bounds: Bounds, moreMs = 0): Promise<Answer> {
    const timeoutMs = Math.max(1, Math.min(this.requestTimeoutMs, this.left(bounds))) + moreMs;
    return this.connection.exchange({ ...request, signal: bounds.signal, timeoutMs });
  }

  /** What is no answer of an engine's. */
  unreadable({ status, document }: Answer, { what }: About): ClientError {
    const reason = reasonOf(document);
    const held = fieldOf(document, "activity_id") === undefined ? "" : ", some fields are missing";
    const told = `${what}: ${this.url} answers ${status} as no engine does${held}. Is it the engine's own address?`;
    return new ClientError("not_an_engine", told, { status, reason });
  }
}
