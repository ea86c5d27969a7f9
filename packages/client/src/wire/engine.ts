import type { Clock } from "@durable-workflow/carrier";
import {
  ACTIVITIES_PATH,
  activityPath,
  fieldOf,
  integerField,
  isObject,
  textField,
} from "@durable-workflow/engine-protocol";
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
  /** Of one that has ended by the time of the answer, which was held back for that. */
  readonly ended?: ActivityDescription | undefined;
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
  /** For how many seconds it holds answers to starts back, by its newest one; 0 for an engine that does not say. */
  startWait = 0;

  constructor(connection: Connection, { namespace, requestTimeoutMs }: EngineOptions, parts: EngineParts) {
    this.#parts = parts;
    this.connection = connection;
    this.clock = connection.clock;
    this.limits = connection.limits;
    this.url = connection.url;
    this.namespace = namespace;
    this.requestTimeoutMs = requestTimeoutMs;
  }

  /** For one call from now on: tries, pauses and bodies. @param moreMs for which the engine may hold its answer back */
  bounds(scope: Scope, moreMs = 0): Bounds {
    return { scope, deadline: this.clock.monotonic() + this.requestTimeoutMs * TRIES + moreMs };
  }

  left({ deadline }: Bounds): number {
    return deadline - this.clock.monotonic();
  }

  /** One try of a start, whatever is answered. @param wait seconds for which the engine is to hold its answer back */
  async tryStart(request: StartRequest, bounds: Bounds, wait = 0): Promise<StartTry> {
    const sentAt = this.clock.monotonic();
    const path = waiting(ACTIVITIES_PATH, wait);
    const answer = await this.once({ method: "POST", path, body: JSON.stringify(request) }, bounds, wait * 1000);
    if (!isSuccess(answer)) return { sentAt, answer, runId: undefined };
    const { document } = answer;
    this.startWait = integerField(document, "longest_wait_seconds") ?? 0;
    const described = wait === 0 ? undefined : await this.#read(document);
    const ended = described?.status === "running" ? undefined : described;
    return { sentAt, answer, runId: textField(document, "workflow_run_id"), ended };
  }

  /** @param wait seconds for which the engine may hold the answer back until the activity has ended; engines may not know it */
  async describe(id: string, bounds: Bounds, wait = 0, tries = TRIES): Promise<Described> {
    const about = { what: `describing ${id}`, activityId: id };
    const path = waiting(activityPath(id), wait);
    const answer = await this.ask({ method: "GET", path }, about, bounds, { tries, moreMs: wait * 1000 });
    const description = await this.#read(answer.document);
    if (description === undefined) throw (await this.#parts.trouble()).unreadable(this, answer, about);
    return { description, answer };
  }

  async #read(document: unknown): Promise<ActivityDescription | undefined> {
    const told = fieldOf(document, "failure");
    const failure = isObject(told) ? (await this.#parts.ends()).readDescribedFailure(told) : undefined;
    return readDescription(document, failure);
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

function waiting(path: string, seconds: number): string {
  return seconds === 0 ? path : `${path}?wait=${seconds}`;
}

/** Whether it is an answer of success that can be read. */
export function isSuccess(answer: Answer | NoAnswer): answer is Answer {
  if (answer.why !== undefined || answer.status < 200 || answer.status > 299) return false;
  return answer.document !== undefined || answer.header("content-type") === "application/octet-stream";
}
