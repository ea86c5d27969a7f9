import { CALL, WAIT } from "./call-options.js";
import { check } from "./check.js";
import type { ActivityDescription, ActivityHandle, ActivityOutcome, CallOptions, WaitOptions } from "./handle.js";
import { calls, ends } from "./parts.js";
import type { Payloads } from "./payload/payloads.js";
import { type Scope, within } from "./scope.js";
import type { Begun } from "./start/start.js";
import type { Pace } from "./wait/pace.js";
import { waitFor } from "./wait/waiting.js";
import type { Bounds, Engine } from "./wire/engine.js";

/** What handles of one client share. */
export interface HandleParts {
  readonly engine: Engine;
  readonly payloads: Payloads;
  readonly pace: Pace;
  /** Over when the client is closed. */
  readonly closing: Scope;
}

/** What is known of a run that a handle is of. */
type Known = { readonly [Name in keyof Begun]?: Begun[Name] | undefined };

export class EngineActivityHandle<Result> implements ActivityHandle<Result> {
  readonly activityId: string;
  readonly runId: string | undefined;
  readonly started: boolean | undefined;
  /** Neither shown with a handle, nor compared. */
  readonly #parts: HandleParts;
  /** How the run ended, where that came with the answer to its start. */
  readonly #end: ActivityDescription | undefined;

  constructor(parts: HandleParts, activityId: string, { runId, started, ended }: Known) {
    this.activityId = activityId;
    this.runId = runId;
    this.started = started;
    this.#parts = parts;
    this.#end = ended;
  }

  async result(options?: WaitOptions): Promise<Result> {
    const outcome = await this.outcome(options);
    if (outcome.kind === "completed") return outcome.result;
    const { ActivityOutcomeError } = await ends();
    throw new ActivityOutcomeError(outcome);
  }

  async outcome(options: WaitOptions = {}): Promise<ActivityOutcome<Result>> {
    check("waiting", options, WAIT);
    const description =
      this.#end ??
      (await this.#wait(options, true, ({ status, runId }) => status !== "running" || this.#isOther(runId)));
    return within(this.#parts.closing, options.signal, (scope) => this.#ended(description, scope));
  }

  describe(options?: CallOptions): Promise<ActivityDescription> {
    return this.#call(options, async (engine, bounds) => {
      const { description } = await engine.describe(this.activityId, bounds);
      return description;
    });
  }

  async *follow(options: WaitOptions = {}): AsyncGenerator<ActivityDescription> {
    check("waiting", options, WAIT);
    const { follow } = await calls();
    yield* follow(this, this.#parts.engine.clock, options, (each, until) => this.#wait(each, false, until));
  }

  cancel(reason?: string, options?: CallOptions): Promise<boolean> {
    return this.#stop("cancel", reason, options);
  }

  terminate(reason?: string, options?: CallOptions): Promise<boolean> {
    return this.#stop("terminate", reason, options);
  }

  #stop(how: "cancel" | "terminate", reason: string | undefined, options?: CallOptions): Promise<boolean> {
    return this.#call(options, async (engine, bounds) => {
      const { stop } = await calls();
      return stop(engine, { how, id: this.activityId, runId: this.runId, reason }, bounds);
    });
  }

  async #call<Answer>(
    options: CallOptions = {},
    ask: (engine: Engine, bounds: Bounds) => Promise<Answer>,
  ): Promise<Answer> {
    check("a call", options, CALL);
    const { engine, closing } = this.#parts;
    return within(closing, options.signal, (scope) => ask(engine, engine.bounds(scope)));
  }

  #isOther(runId: string): boolean {
    return this.runId !== undefined && this.runId !== runId;
  }

  #wait(
    { signal, timeoutMs }: WaitOptions,
    onlyEnd: boolean,
    until: (description: ActivityDescription) => boolean,
  ): Promise<ActivityDescription> {
    const { engine, pace, closing } = this.#parts;
    return waitFor(engine, pace, { handle: this, signal, closing, timeoutMs, until, onlyEnd });
  }

  async #ended(description: ActivityDescription, scope: Scope): Promise<ActivityOutcome<Result>> {
    const { status, runId, attempts, raw } = description;
    if (status !== "completed" || this.#isOther(runId)) {
      const { outcomeOf } = await ends();
      return outcomeOf<Result>(this.#parts, this, description, scope);
    }
    const result = (await this.#parts.payloads.incoming(raw["result"], this, scope)) as Result;
    return { kind: status, activityId: this.activityId, runId, attempts, result };
  }
}
