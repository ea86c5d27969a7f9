import type { Clock } from "@durable-workflow/carrier";
import { ACTIVITIES_PATH, activityPath, fieldOf, isObject, textField } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import type { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, RemoteFailure } from "../handle.js";
import type { Scope } from "../scope.js";
import type { TimeLimits } from "../time-limits.js";
import type { Answer, Call, Connection, NoAnswer } from "./connection.js";
import { readDescription } from "./description.js";

/** How often a request is tried that may be repeated. */
export const TRIES = 3;

export interface EngineOptions {
  readonly namespace: string;
  readonly requestTimeoutMs: number;
}

/** How long a call may take, and who may give it up. */
export interface Bounds {
  readonly scope: Scope;
  /** On the monotonic clock, over all tries. */
  readonly deadline: number;
}

export interface Described {
  readonly description: ActivityDescription;
  readonly answer: Answer;
}

/** What came of one try of a start. */
export interface StartTry {
  /** On the monotonic clock. */
  readonly sentAt: number;
  readonly answer: Answer | NoAnswer;
  /** Of the run that was started; undefined where the answer is not that of an engine that has started one. */
  readonly runId: string | undefined;
}

export type Request = Pick<Call, "method" | "path" | "body" | "headers" | "limitBytes">;

/** What a request is about, for errors. */
export interface About {
  /** As in `starting greet`: what was asked. */
  readonly what: string;
  readonly activityId?: string | undefined;
  /** Whether it changes anything. Default false. */
  readonly acts?: boolean;
}

/** How often a request is tried, and what happens between. */
export interface Repeating {
  readonly tries?: number;
  /** For how much longer than others one try may take. */
  readonly moreMs?: number;
  /** Told before a try that follows one that the engine may have seen. */
  readonly onRepeat?: () => void;
}

/** What is loaded when an answer is not as most are. */
export interface EngineParts {
  trouble(): Promise<{
    askAgain(
      engine: Engine,
      request: Request,
      about: About,
      bounds: Bounds,
      first: Answer | NoAnswer,
      repeating?: Repeating,
    ): Promise<Answer>;
    unreadable(engine: Engine, answer: Answer, about: About): ClientError;
  }>;
  ends(): Promise<{ readDescribedFailure(told: Readonly<Record<string, unknown>>): RemoteFailure }>;
}

/** The operations of the control plane that activities need. Every answer is bounded in time and size, and read field by field. */
export class Engine {
  readonly clock: Clock;
  readonly limits: TimeLimits;
  readonly url: string;
  readonly requestTimeoutMs: number;
  readonly namespace: string;
  readonly connection: Connection;
  readonly #parts: EngineParts;
  /** Whether the engine stops a certain run; undefined before it was tried. */
  stopsRuns: boolean | undefined;

  constructor(connection: Connection, { namespace, requestTimeoutMs }: EngineOptions, parts: EngineParts) {
    this.#parts = parts;
    this.connection = connection;
    this.clock = connection.clock;
    this.limits = connection.limits;
    this.url = connection.url;
    this.namespace = namespace;
    this.requestTimeoutMs = requestTimeoutMs;
  }

  /** For one call from now on: tries, pauses and bodies. */
  bounds(scope: Scope): Bounds {
    return { scope, deadline: this.clock.monotonic() + this.requestTimeoutMs * TRIES };
  }

  left({ deadline }: Bounds): number {
    return deadline - this.clock.monotonic();
  }

  /** One try of a start, whatever is answered. */
  async tryStart(request: StartRequest, bounds: Bounds): Promise<StartTry> {
    const sentAt = this.clock.monotonic();
    const answer = await this.once({ method: "POST", path: ACTIVITIES_PATH, body: JSON.stringify(request) }, bounds);
    return { sentAt, answer, runId: isSuccess(answer) ? textField(answer.document, "workflow_run_id") : undefined };
  }

  /** @param wait seconds for which the engine may hold the answer back until the activity has ended; engines may not know it */
  async describe(id: string, bounds: Bounds, wait = 0, tries = TRIES): Promise<Described> {
    const about = { what: `describing ${id}`, activityId: id };
    const path = activityPath(id) + (wait === 0 ? "" : `?wait=${wait}`);
    const answer = await this.ask({ method: "GET", path }, about, bounds, { tries, moreMs: wait * 1000 });
    const told = fieldOf(answer.document, "failure");
    const failure = isObject(told) ? (await this.#parts.ends()).readDescribedFailure(told) : undefined;
    const description = readDescription(answer.document, failure);
    if (description === undefined) throw (await this.#parts.trouble()).unreadable(this, answer, about);
    return { description, answer };
  }

  /**
   * A request that may be repeated, until there is an answer of success.
   *
   * @throws {ClientError} when there is none within the bounds
   */
  async ask(request: Request, about: About, bounds: Bounds, repeating?: Repeating): Promise<Answer> {
    const first = await this.once(request, bounds, repeating?.moreMs);
    if (isSuccess(first)) return first;
    return (await this.#parts.trouble()).askAgain(this, request, about, bounds, first, repeating);
  }

  /** One try. */
  once(request: Request, { scope, deadline }: Bounds, moreMs = 0): Promise<Answer | NoAnswer> {
    const left = Math.min(this.requestTimeoutMs, deadline - this.clock.monotonic());
    return this.connection.exchange(request, scope, Math.max(1, left) + moreMs);
  }
}

/** Whether it is an answer of success that can be read. */
export function isSuccess(answer: Answer | NoAnswer): answer is Answer {
  if (answer.why !== undefined || answer.status < 200 || answer.status > 299) return false;
  return answer.document !== undefined || answer.header("content-type") === "application/octet-stream";
}
