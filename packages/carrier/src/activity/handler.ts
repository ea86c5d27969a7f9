import { decodePayload, payloadEnvelope } from "../payload/envelope.js";
import { brand, brandOf } from "../protocol/brand.js";
import { AVRO_CODEC } from "../protocol/constants.js";
import { isObject } from "../protocol/fields.js";
import { type ActivityTaskInput, type ExternalTaskInput, parseExternalTaskInput } from "../protocol/task-input.js";
import type { InvocableResultEnvelope } from "../protocol/wire.js";
import { type Clock, scheduleAt, systemClock } from "./clock.js";
import { readTaskDeadlines } from "./deadlines.js";
import { CarrierShutdown } from "./errors.js";
import { type EngineHeartbeatOptions, engineHeartbeatSender } from "./engine-heartbeat-sender.js";
import type { HeartbeatSender } from "./heartbeat-sender.js";
import { Idempotency, type IdempotentRun } from "./idempotency/idempotency.js";
import type { IdempotencyOptions } from "./idempotency/options.js";
import { type MapError, mappedError } from "./map-error.js";
import { type ActivityInterceptor, checkInterceptors } from "./interceptor.js";
import { guardLogger, type Logger, silentLogger, taskFields } from "./logger.js";
import { type ActivityHandlers, type RegisteredActivity, registerActivities } from "./registry.js";
import {
  aborted,
  expiredOnReceipt,
  failureEnvelope,
  invalid,
  successEnvelope,
  type TaskFailure,
  type TaskOutcome,
  thrown,
  undecodableArguments,
  unencodableResult,
  unknownActivity,
  unreadableDeadline,
  unsupportedReference,
  unsupportedTaskKind,
} from "./results.js";
import { type ActivityRun, type CallerSignal, createActivityRun, type RunOutcome } from "./run.js";
import { RunContext } from "./run-context.js";
import { isActivityValidationError } from "./validation.js";

export interface InvocableActivityHandlerOptions {
  /** Names this carrier in `metadata.carrier` of every result. Default `typescript-invocable`. */
  readonly carrier?: string;
  /** The codec of results. `avro`, the default, is the only one. */
  readonly resultCodec?: "avro";
  /** Whether failures carry the stack traces of what handlers threw, causes included. Default true. */
  readonly stackTraces?: boolean;
  /** Code around every activity, the first outermost. Default none. */
  readonly interceptors?: readonly ActivityInterceptor[];
  /** Says what becomes of what handlers and interceptors throw. Default: `docs/errors-and-retries.md` has the table. */
  readonly mapError?: MapError;
  /**
   * Runs a task once for each idempotency key, and answers the other deliveries with the outcome of that one:
   * `docs/idempotency.md`. Default: every delivery runs the handler.
   */
  readonly idempotency?: IdempotencyOptions;
  /**
   * How `context.heartbeat` reaches the engine: its address and a worker's token, or a sender of your own. Without it
   * heartbeats go nowhere, and only the caller can renew the lease.
   */
  readonly heartbeat?: EngineHeartbeatOptions | HeartbeatSender;
  /**
   * Whether heartbeats are sent while a handler runs though it makes none: for handlers that cannot, and whose run is
   * worth the lease as long as the process lives. Not where the caller renews the lease. Default false.
   */
  readonly automaticHeartbeats?: boolean;
  /** Default: silent. Never gets arguments, results, messages of errors or secrets. */
  readonly logger?: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** What the caller of one `handle` knows beyond the envelope. */
export interface HandleOptions {
  /**
   * Ends the run when aborted: the task is answered at once, as a cancellation when the reason is an
   * `ActivityCancelled`, else as a retryable failure.
   */
  readonly signal?: CallerSignal | undefined;
  /** Milliseconds until the platform ends this process, as one more deadline. */
  readonly remainingMs?: number | undefined;
}

/**
 * Runs activities: one task input envelope in, one result envelope out.
 *
 * ```ts
 * const handler = new InvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` });
 * const result = await handler.handle(envelope);
 * ```
 *
 * It runs any number of tasks at once, and does not retry: the same task may arrive more than once, and handlers must be
 * idempotent, or the `idempotency` option be used.
 */
export class InvocableActivityHandler {
  /** As it stands in `metadata.carrier`. */
  readonly carrier: string;
  private readonly activities: ReadonlyMap<string, RegisteredActivity>;
  private readonly stackTraces: boolean;
  private readonly mapError: MapError | undefined;
  private readonly idempotency: Idempotency | undefined;
  private readonly sender: HeartbeatSender | undefined;
  private readonly automaticHeartbeats: boolean;
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly running = new Set<ActivityRun>();
  private stopping = false;
  private readonly onIdle: (() => void)[] = [];

  /**
   * @param handlers functions and definitions by activity type, read once: later changes have no effect
   * @throws {TypeError} for a handler that is neither, an empty or repeated activity type, and options that make no sense
   */
  constructor(handlers: ActivityHandlers, options: InvocableActivityHandlerOptions = {}) {
    const { carrier = "typescript-invocable", resultCodec = AVRO_CODEC, interceptors = [], mapError } = options;
    if (typeof carrier !== "string" || carrier === "") throw new TypeError("carrier must be a non-empty string");
    if (resultCodec !== AVRO_CODEC) throw new TypeError('resultCodec must be "avro"');
    if (mapError !== undefined && typeof mapError !== "function") throw new TypeError("mapError must be a function");
    this.activities = registerActivities(handlers, checkInterceptors(interceptors));
    this.carrier = carrier;
    this.stackTraces = options.stackTraces ?? true;
    this.mapError = mapError;
    this.sender = toSender(options.heartbeat);
    this.automaticHeartbeats = options.automaticHeartbeats ?? false;
    if (this.automaticHeartbeats && this.sender === undefined) {
      throw new TypeError("automaticHeartbeats needs the option heartbeat to send them with");
    }
    this.logger = options.logger === undefined ? silentLogger : guardLogger(options.logger);
    this.clock = options.clock ?? systemClock;
    this.idempotency = options.idempotency === undefined ? undefined : new Idempotency(options.idempotency, this.clock);
    brand(this, "InvocableActivityHandler");
  }

  /** The activity types this handler serves. */
  get activityTypes(): readonly string[] {
    return [...this.activities.keys()];
  }

  /**
   * Runs one task and says what became of it. Whatever goes wrong once the envelope could be read becomes a failure in
   * the result: nothing a handler does makes this reject. At the earliest deadline that counts the task is answered,
   * whether or not the handler is done.
   *
   * @param envelope the task input envelope, parsed from JSON
   * @throws {ExternalTaskInputError} (as a rejection) when the envelope violates the contract
   */
  async handle(envelope: unknown, options?: HandleOptions): Promise<InvocableResultEnvelope> {
    const started = this.clock.monotonic();
    const input = parseExternalTaskInput(envelope);
    const outcome = await this.runTask(input, options);
    const metadata = {
      handler: input.task.handler,
      carrier: this.carrier,
      duration_ms: Math.max(0, Math.round(this.clock.monotonic() - started)),
    };
    return "codec" in outcome ? successEnvelope(input, outcome, metadata) : failureEnvelope(input, outcome, metadata);
  }

  /**
   * Stops the handler: tasks that arrive from now on are answered with a retryable `CarrierShutdown` failure, and those
   * that still run after the grace are ended with it.
   *
   * @param options.graceMs how long running tasks may go on, in milliseconds. Default 0.
   * @returns once no task is running; what was answered may still be on its way to the caller
   */
  async shutdown({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    if (typeof graceMs !== "number" || !(graceMs >= 0))
      throw new TypeError(`graceMs must be a number >= 0, got ${String(graceMs)}`);
    this.stopping = true;
    if (this.running.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.onIdle.push(resolve);
    });
    const end = (): void => {
      for (const run of this.running) run.abort(new CarrierShutdown());
    };
    const cancel = graceMs === 0 ? end() : scheduleAt(this.clock, this.clock.now() + graceMs, end);
    await idle;
    cancel?.();
  }

  private async runTask(input: ExternalTaskInput, options: HandleOptions | undefined): Promise<TaskOutcome> {
    const task = this.admit(input, options);
    if ("classification" in task) {
      const { classification, type } = task;
      const fields = { ...taskFields(input), classification, failure_type: type };
      this.logger.warn(fields, "A task was refused before its handler ran.");
      return task;
    }
    const { run, context } = task;
    this.running.add(run);
    try {
      const outcome =
        this.idempotency === undefined
          ? this.conclude(await this.perform(task), context)
          : await this.performOnce(task, this.idempotency);
      context.settle(outcome);
      return outcome;
    } finally {
      context.end();
      this.running.delete(run);
      if (this.running.size === 0) for (const resolve of this.onIdle.splice(0)) resolve();
    }
  }

  /** A run that is ready to begin, or why it may not. */
  private admit(input: ExternalTaskInput, options: HandleOptions | undefined): AdmittedTask | TaskFailure {
    if (input.kind !== "activity_task") return unsupportedTaskKind(input.kind);
    const activity = this.activities.get(input.task.handler);
    if (activity === undefined) return unknownActivity(input.task.handler, this.activities.keys());

    const { clock, logger, sender, automaticHeartbeats } = this;
    const now = clock.now();
    const remainingMs = options?.remainingMs;
    const deadlines = readTaskDeadlines(input, remainingMs === undefined ? undefined : now + remainingMs);
    if ("unreadable" in deadlines) return unreadableDeadline(deadlines.unreadable);
    const first = deadlines.first();
    if (first !== undefined && first.at <= now) return expiredOnReceipt(first);

    const args = decodeArguments(input);
    if ("classification" in args) return args;
    if (this.stopping) return aborted(new CarrierShutdown(), false);

    const run = createActivityRun(clock, deadlines.firstWhileRunning(), options?.signal);
    const context = new RunContext({ input, deadlines, run, clock, logger, sender, automaticHeartbeats });
    return { input, activity, args, run, context };
  }

  private perform({ run, context, activity, args }: AdmittedTask): Promise<RunOutcome> {
    return run.execute(
      () => activity(() => context, args),
      () => context.logger.warn({}, "A late outcome was dropped."),
    );
  }

  private conclude(ended: RunOutcome, context: RunContext): TaskOutcome {
    switch (ended.kind) {
      case "returned":
        return this.encodeResult(ended.value);
      case "threw":
        return this.describeError(ended.error, context);
      case "aborted":
        return aborted(ended.reason, this.stackTraces);
    }
  }

  /** As {@link perform}, unless the task's idempotency key stands for a run that there is or was. */
  private async performOnce(task: AdmittedTask, idempotency: Idempotency): Promise<TaskOutcome> {
    const { input, run, context, args } = task;
    let shared: IdempotentRun | undefined;
    const begin = (): Promise<TaskOutcome> | undefined => {
      shared = idempotency.start({
        info: context.info,
        args,
        payload: input.arguments,
        signal: run.signal(),
        logger: context.logger,
        execute: () => this.execute(task),
      });
      return shared?.outcome;
    };
    // What comes late is logged by the execution, which knows whether anybody still has use for it.
    const ended = await run.execute(begin, () => {});
    switch (ended.kind) {
      case "returned":
        // Without a key there is nothing to share.
        return (ended.value as TaskOutcome | undefined) ?? this.conclude(await this.perform(task), context);
      case "threw":
        return this.conclude(ended, context);
      case "aborted": {
        const failure = aborted(ended.reason, this.stackTraces);
        return shared?.whenEnded(failure) ?? failure;
      }
    }
  }

  /** Runs the handler to its end, whatever becomes of the run, and says what came of it. */
  private async execute({ activity, context, args, run }: AdmittedTask): Promise<TaskOutcome> {
    try {
      return this.encodeResult(await activity(() => context, args));
    } catch (error) {
      // A handler that stops as it was told to says nothing of the work: that is not for mapError to judge.
      const { aborted: isAborted, reason } = run.signal();
      return isAborted && error === reason ? aborted(error, this.stackTraces) : this.describeError(error, context);
    }
  }

  private describeError(error: unknown, context: RunContext): TaskFailure {
    if (isActivityValidationError(error)) return invalid(error);
    const mapped = this.mapError === undefined ? undefined : mappedError(this.mapError, error, context);
    return thrown(mapped ?? error, this.stackTraces, error);
  }

  private encodeResult(value: unknown): TaskOutcome {
    try {
      return payloadEnvelope(value, { logger: this.logger });
    } catch (error) {
      return unencodableResult(error);
    }
  }
}

/** All that it takes to run a task. */
interface AdmittedTask {
  readonly input: ActivityTaskInput;
  readonly activity: RegisteredActivity;
  readonly args: readonly unknown[];
  readonly run: ActivityRun;
  readonly context: RunContext;
}

function toSender(heartbeat: EngineHeartbeatOptions | HeartbeatSender | undefined): HeartbeatSender | undefined {
  return heartbeat === undefined || isSender(heartbeat) ? heartbeat : engineHeartbeatSender(heartbeat);
}

function isSender(heartbeat: EngineHeartbeatOptions | HeartbeatSender): heartbeat is HeartbeatSender {
  return isObject(heartbeat) && typeof heartbeat["send"] === "function";
}

/** True for an {@link InvocableActivityHandler} of any copy of this library. */
export function isInvocableActivityHandler(value: unknown): value is InvocableActivityHandler {
  return brandOf(value) === "InvocableActivityHandler";
}

/** The positional arguments: a list is taken apart, null stands for none, any other value is one argument. */
function decodeArguments(input: ActivityTaskInput): readonly unknown[] | TaskFailure {
  const envelope = input.arguments;
  if (envelope === null) return [];
  if (envelope["codec"] === AVRO_CODEC && typeof envelope["blob"] !== "string" && "external_storage" in envelope) {
    return unsupportedReference(envelope["external_storage"]);
  }
  try {
    const value = decodePayload(envelope);
    return Array.isArray(value) ? value : value === null ? [] : [value];
  } catch (error) {
    return undecodableArguments(error, envelope["codec"]);
  }
}

/**
 * Runs one task with the given handlers: {@link InvocableActivityHandler} made, used once and dropped. For more than one
 * task make the handler once.
 *
 * @throws {ExternalTaskInputError} (as a rejection) when the envelope violates the contract
 * @throws {TypeError} (as a rejection) for bad handlers or options
 */
export async function handleInvocableActivity(
  envelope: unknown,
  handlers: ActivityHandlers,
  options: InvocableActivityHandlerOptions & HandleOptions = {},
): Promise<InvocableResultEnvelope> {
  return new InvocableActivityHandler(handlers, options).handle(envelope, options);
}
