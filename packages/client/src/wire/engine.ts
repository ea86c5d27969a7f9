import type { Clock } from "@durable-workflow/carrier";
import { PATHS, pathTo } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { jittered, sleep } from "../clock.js";
import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription } from "../handle.js";
import { type Answer, type Call, type Connection, NoAnswer } from "./connection.js";
import { readDescription } from "./description.js";
import { type Subject, unanswered } from "./unanswered.js";

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
  stopsRuns: boolean | undefined;

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

  clusterInfo(bounds: Bounds): Promise<Answer> {
    return this.ask({ method: "GET", path: PATHS.clusterInfo }, { what: "asking what the engine takes" }, bounds);
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
      const { refusal } = await import("./refusal.js");
      return refusal(answer, this.subject(about));
    } catch (error) {
      if (error instanceof NoAnswer) return unanswered(error, this.subject(about));
      throw error;
    }
  }

  private once(request: Request, bounds: Bounds, moreMs = 0): Promise<Answer> {
    const timeoutMs = Math.max(1, Math.min(this.requestTimeoutMs, this.left(bounds))) + moreMs;
    const { method, path, body, headers, limitBytes } = request;
    return this.connection.exchange({ method, path, body, headers, limitBytes, signal: bounds.signal, timeoutMs });
  }

  /** What is no answer of an engine's. */
  unreadable({ status }: Answer, { what }: About): ClientError {
    const told = `${what}: ${this.url} answers ${status} as no engine does. Is it the engine's own address?`;
    return new ClientError("not_an_engine", told, { status });
  }
}
