import { ClientError } from "./errors/client-error.js";
import { ActivityOutcomeError } from "./errors/outcome-error.js";
import type {
  ActivityDescription,
  ActivityHandle,
  ActivityOutcome,
  CallOptions,
  RemoteFailure,
  WaitOptions,
} from "./handle.js";
import type { Payloads } from "./payload/payloads.js";
import { Scope } from "./scope.js";
import type { Pace } from "./wait/pace.js";
import { waitFor } from "./wait/waiting.js";
import type { Engine } from "./wire/engine.js";
import type { RunEnd } from "./wire/history.js";

/** What handles of one client share. */
export interface HandleParts {
  readonly engine: Engine;
  readonly payloads: Payloads;
  readonly pace: Pace;
  /** Aborted when the client is closed. */
  readonly closing: AbortSignal;
}

export class EngineActivityHandle<Result> implements ActivityHandle<Result> {
  readonly activityId: string;
  readonly runId: string | undefined;
  readonly started: boolean | undefined;
  /** Neither shown with a handle, nor compared. */
  readonly #parts: HandleParts;

  constructor(
    parts: HandleParts,
    { activityId, runId, started }: Pick<ActivityHandle<Result>, "activityId" | "runId" | "started">,
  ) {
    this.activityId = activityId;
    this.runId = runId;
    this.started = started;
    this.#parts = parts;
  }

  async result(options?: WaitOptions): Promise<Result> {
    const outcome = await this.outcome(options);
    if (outcome.kind === "completed") return outcome.result;
    throw new ActivityOutcomeError(outcome);
  }

  async outcome(options: WaitOptions = {}): Promise<ActivityOutcome<Result>> {
    const description = await this.wait(
      options,
      true,
      ({ status, runId }) => status !== "running" || this.isOther(runId),
    );
    const scope = new Scope(this.#parts.engine.clock, [options.signal, this.#parts.closing]);
    try {
      return this.isOther(description.runId)
        ? await this.replaced(scope.signal)
        : await this.ended(description, scope.signal);
    } finally {
      scope.end();
    }
  }

  describe(options: CallOptions = {}): Promise<ActivityDescription> {
    return this.call(options, async (engine, signal) => {
      const { description } = await engine.describe(this.activityId, engine.bounds(signal));
      return description;
    });
  }

  async *follow(options: WaitOptions = {}): AsyncGenerator<ActivityDescription> {
    const { clock } = this.#parts.engine;
    const ends = options.timeoutMs === undefined ? undefined : clock.monotonic() + options.timeoutMs;
    let seen = "";
    for (;;) {
      const left = ends === undefined ? {} : { timeoutMs: Math.max(0, ends - clock.monotonic()) };
      const description = await this.wait({ ...options, ...left }, false, (now) => stateOf(now) !== seen);
      if (this.isOther(description.runId)) throw this.runReplaced();
      seen = stateOf(description);
      yield description;
      if (description.status !== "running") return;
    }
  }

  cancel(reason?: string, options: CallOptions = {}): Promise<boolean> {
    return this.stop("cancel", reason, options);
  }

  terminate(reason?: string, options: CallOptions = {}): Promise<boolean> {
    return this.stop("terminate", reason, options);
  }

  private stop(how: "cancel" | "terminate", reason: string | undefined, options: CallOptions): Promise<boolean> {
    return this.call(options, async (engine, signal) => {
      const { stop } = await import("./wire/stop.js");
      return stop(engine, { how, id: this.activityId, runId: this.runId, reason }, engine.bounds(signal));
    });
  }

  private isOther(runId: string): boolean {
    return this.runId !== undefined && this.runId !== runId;
  }

  private wait(
    { signal, timeoutMs }: WaitOptions,
    onlyEnd: boolean,
    until: (description: ActivityDescription) => boolean,
  ): Promise<ActivityDescription> {
    const { engine, pace, closing } = this.#parts;
    return waitFor(engine, pace, { handle: this, signal, closing, timeoutMs, until, onlyEnd });
  }

  private async call<T>(
    { signal }: CallOptions,
    work: (engine: Engine, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { engine, closing } = this.#parts;
    if (signal === undefined) {
      closing.throwIfAborted();
      return work(engine, closing);
    }
    const scope = new Scope(engine.clock, [signal, closing]);
    try {
      scope.signal.throwIfAborted();
      return await work(engine, scope.signal);
    } finally {
      scope.end();
    }
  }

  private async ended(description: ActivityDescription, signal: AbortSignal): Promise<ActivityOutcome<Result>> {
    const { status, runId, attempts, raw } = description;
    const end = { activityId: this.activityId, runId, attempts };
    if (status === "completed") {
      const result = (await this.#parts.payloads.incoming(raw["result"], this, signal)) as Result;
      return { kind: status, ...end, result };
    }
    const kind = status as Exclude<typeof status, "running">;
    const isFailure = status === "failed" || status === "timed_out";
    const failure = isFailure ? (description.failure ?? (await this.failureOf(runId, signal))) : undefined;
    return { kind, ...end, failure };
  }

  /** Descriptions of most engines say that it failed, and not why. */
  private async failureOf(runId: string, signal: AbortSignal): Promise<RemoteFailure | undefined> {
    try {
      return (await this.runEnd(runId, signal))?.failure;
    } catch (error) {
      if (error instanceof ClientError) return undefined;
      throw error;
    }
  }

  /** The id has a newer run: what became of ours stands in its history. */
  private async replaced(signal: AbortSignal): Promise<ActivityOutcome<Result>> {
    const { payloads } = this.#parts;
    const runId = this.runId ?? "";
    let end: RunEnd | undefined;
    try {
      end = await this.runEnd(runId, signal);
    } catch (error) {
      if (error instanceof ClientError && !error.retryable) throw this.runReplaced(error);
      throw error;
    }
    if (end === undefined) throw this.runReplaced();
    const { status: kind, attempts, failure } = end;
    const told = { activityId: this.activityId, runId, attempts };
    if (kind !== "completed") return { kind, ...told, failure };
    return { kind, ...told, result: (await payloads.incoming(end.result, this, signal)) as Result };
  }

  /** Few need a history: what reads it is no part of what is loaded at first. */
  private async runEnd(runId: string, signal: AbortSignal): Promise<RunEnd | undefined> {
    const { engine } = this.#parts;
    const { runEndOf } = await import("./wire/history.js");
    return runEndOf(engine, this.activityId, runId, engine.bounds(signal));
  }

  private runReplaced(cause?: ClientError): ClientError {
    const told = `the activity ${this.activityId} has a newer run, and of the run ${this.runId} nothing can be read`;
    return new ClientError("run_replaced", told, { handle: this, ...(cause !== undefined && { cause }) });
  }
}

function stateOf({ runId, status, stage, attempts, lastHeartbeatAt, raw }: ActivityDescription): string {
  return [runId, status, stage, attempts, lastHeartbeatAt, raw["last_progress_at"]].join(" ");
}
