import { jittered, sleep } from "../clock.js";
import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription } from "../handle.js";
import type { Begun, StartOrder } from "../start/start.js";
import { type Bounds, type Described, type Engine, type StartTry, TRIES } from "../wire/engine.js";
import { FIRST_PAUSE_MS } from "./ask-again.js";
import { provesNothingDone, startRefusal } from "./refusal.js";
import { type Subject, subjectOf } from "./subject.js";
import { isTimeout, unanswered } from "./unanswered.js";
import { isSince } from "./utc.js";

/** A start that was given up waiting for may still be under way: looked for so often more, this far apart. */
const LATE_LOOKS = 3;
const LATE_LOOK_MS = 667;

/** A step of a start: it is done, or it is to be tried again. */
type Step =
  | { readonly begun: Begun }
  | { readonly begun?: undefined; readonly trouble: ClientError; readonly pauseMs: number };

/** @param first undefined where one that has ended is looked for before @throws {ClientError}; the scope's reason */
export function startAgain(
  engine: Engine,
  order: StartOrder,
  bounds: Bounds,
  first: StartTry | undefined,
): Promise<Begun> {
  return new StartAgain(engine, order, bounds).run(first);
}

/**
 * A start that did not go well at once. The wire has no key by which an engine would know a start that it has seen: when an
 * answer is lost, the activity is looked for by its id, and the start is sent again only when it is not there.
 */
class StartAgain {
  private readonly engine: Engine;
  private readonly order: StartOrder;
  private readonly bounds: Bounds;
  private readonly subject: Subject;
  /** Whether an earlier try may have reached the engine. */
  private mayHaveActed = false;
  /** When the first try was sent, on the monotonic clock. */
  private firstSentAt = 0;
  private pauses = 0;

  constructor(engine: Engine, order: StartOrder, bounds: Bounds) {
    this.engine = engine;
    this.order = order;
    this.bounds = bounds;
    const { activity_type: type, activity_id: activityId } = order.request;
    this.subject = subjectOf(engine, { what: `starting ${type}`, activityId, acts: true });
  }

  async run(first: StartTry | undefined): Promise<Begun> {
    if (first === undefined) {
      const found = await this.find();
      if (found !== undefined) return this.attach(found);
    }
    for (let tries = 1, tried = first; ; tries++, tried = undefined) {
      const step = await this.judgeTry(tried ?? (await this.engine.tryStart(this.order.request, this.bounds)));
      if (step.begun !== undefined) return step.begun;
      if (tries >= TRIES || step.pauseMs >= this.engine.left(this.bounds)) throw this.givenUp(step.trouble);
      await sleep(this.engine.clock, step.pauseMs, this.bounds.scope);
    }
  }

  private async judgeTry({ answer, sentAt, runId }: StartTry): Promise<Step> {
    if (this.firstSentAt === 0) this.firstSentAt = sentAt;
    if (answer.why !== undefined) {
      const trouble = unanswered(answer, this.subject);
      return answer.why === "not_sent" ? this.again(trouble) : this.lookFor(isTimeout(answer), trouble);
    }
    if (runId !== undefined) return { begun: { runId, started: true } };
    const trouble = startRefusal(answer, this.subject);
    if (trouble.mayHaveActed && trouble.code !== "not_an_engine" && !provesNothingDone(answer)) {
      // Whoever stands before the engine has given up waiting for it: it may be under way.
      return this.lookFor(answer.status === 504, trouble);
    }
    const { code } = trouble;
    if (code === "already_running") {
      return this.mayHaveActed ? this.lookFor(false, trouble) : { begun: await this.running(trouble) };
    }
    if (code === "rate_limited" || code === "storage_refused") return this.again(trouble);
    throw this.mayHaveActed ? this.givenUp(trouble) : trouble;
  }

  private again(trouble: ClientError): Step {
    const own = jittered(FIRST_PAUSE_MS * 2 ** this.pauses++);
    return { trouble, pauseMs: Math.max(own, trouble.retryAfterMs ?? 0) };
  }

  /** After an answer that was lost. */
  private async lookFor(isLate: boolean, trouble: ClientError): Promise<Step> {
    this.mayHaveActed = true;
    for (let looks = 0; ; looks++) {
      let found: Described | undefined;
      try {
        found = await this.find();
      } catch (error) {
        if (error instanceof ClientError) throw this.givenUp(error);
        throw error;
      }
      if (found !== undefined) {
        const begun = await this.judge(found, trouble);
        if (begun !== undefined) return { begun };
      }
      if (!isLate || looks >= LATE_LOOKS || this.engine.left(this.bounds) <= LATE_LOOK_MS) return this.again(trouble);
      await sleep(this.engine.clock, LATE_LOOK_MS, this.bounds.scope);
    }
  }

  /** The newest activity of the id; undefined when the engine says that there is none. */
  private async find(): Promise<Described | undefined> {
    try {
      return await this.engine.describe(this.order.request.activity_id, this.bounds);
    } catch (error) {
      if (error instanceof ClientError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  /** Whether what was found is what was started; undefined when the start did not arrive. */
  private async judge(found: Described, trouble: ClientError): Promise<Begun | undefined> {
    const { description } = found;
    if (this.order.isOwnId) return { runId: description.runId, started: true };
    const isLater = this.beganAfterSending(found);
    if (isLater === true && this.isSame(description)) return { runId: description.runId, started: true };
    if (isLater !== false) throw this.givenUp(trouble);
    // It was there before: ours was refused, or did not arrive.
    return description.status === "running" ? this.running(trouble, description) : undefined;
  }

  /**
   * By the engine's clock, which the answer's `Date` tells to the second, less the time that has gone by since the first try.
   * Undefined where it cannot be told.
   */
  private beganAfterSending({ description, answer }: Described): boolean | undefined {
    const now = Date.parse(answer.header("date") ?? "");
    return Number.isNaN(now) ? undefined : isSince(description.startedAt, now - (answer.receivedAt - this.firstSentAt));
  }

  private isSame({ type, taskQueue }: ActivityDescription): boolean {
    return type === this.order.request.activity_type && taskQueue === this.order.request.task_queue;
  }

  /** One of this id runs that is not ours. */
  private async running(trouble: ClientError, known?: ActivityDescription): Promise<Begun> {
    const { onRunning, request, handleOf } = this.order;
    const found = known ?? (onRunning === "attach" ? (await this.find())?.description : undefined);
    if (onRunning === "attach" && found?.type === request.activity_type) return { runId: found.runId, started: false };
    const other = found === undefined || found.type === request.activity_type ? "" : ` of the type ${found.type}`;
    const told = `${this.subject.what}: an activity${other} with the id ${request.activity_id} is running already`;
    const { status, reason } = trouble;
    throw new ClientError("already_running", told, { status, reason, handle: handleOf({}), description: found });
  }

  /** One of this id is there, closed or not, and counts as the answer. */
  private attach({ description }: Described): Promise<Begun> | Begun {
    const { request } = this.order;
    if (description.status === "running") return this.running(new ClientError("already_running", ""), description);
    if (description.type === request.activity_type) return { runId: description.runId, started: false };
    const told = `${this.subject.what}: the id ${request.activity_id} is that of an activity of the type ${description.type}`;
    throw new ClientError("id_taken", told, { description });
  }

  private givenUp(trouble: ClientError): ClientError {
    if (!this.mayHaveActed) return trouble;
    const { activity_id: id } = this.order.request;
    const told = `${this.subject.what}: the answer was lost, and whether ${id} is there is not known (${trouble.message}). The error's handle can look for it.`;
    const { status, reason, retryAfterMs } = trouble;
    return new ClientError("start_unknown", told, {
      cause: trouble,
      mayHaveActed: true,
      status,
      reason,
      retryAfterMs,
      handle: this.order.handleOf({}),
    });
  }
}
