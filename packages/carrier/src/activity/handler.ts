import { decodePayload, payloadEnvelope } from "../payload/envelope.js";
import { AVRO_CODEC } from "../protocol/constants.js";
import { type ActivityTaskInput, type ExternalTaskInput, parseExternalTaskInput } from "../protocol/task-input.js";
import type { InvocableResultEnvelope, PayloadEnvelope } from "../protocol/wire.js";
import { type Clock, systemClock } from "./clock.js";
import { readTaskTimes } from "./deadlines.js";
import { type Logger, silentLogger } from "./logger.js";
import { type ActivityHandlers, type RegisteredActivity, registerActivities } from "./registry.js";
import {
  aborted,
  expiredOnReceipt,
  failureEnvelope,
  successEnvelope,
  type TaskFailure,
  thrown,
  undecodableArguments,
  unencodableResult,
  unknownActivity,
  unreadableDeadline,
  unsupportedReference,
  unsupportedTaskKind,
} from "./results.js";
import { type CallerSignal, createActivityRun } from "./run.js";

/** A payload for a success, else what went wrong. */
type TaskOutcome = PayloadEnvelope | TaskFailure;

export interface InvocableActivityHandlerOptions {
  /** Names this carrier in `metadata.carrier` of every result. Default `typescript-invocable`. */
  readonly carrier?: string;
  /** The codec of results. `avro`, the default, is the only one. */
  readonly resultCodec?: "avro";
  /** Whether failures carry the stack traces of what handlers threw, causes included. Default true. */
  readonly stackTraces?: boolean;
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
 * It holds no state between tasks, runs any number of them at once, and does not heartbeat, retry or deduplicate: the
 * same task may arrive more than once, and handlers must be idempotent.
 */
export class InvocableActivityHandler {
  /** As it stands in `metadata.carrier`. */
  readonly carrier: string;
  private readonly activities: ReadonlyMap<string, RegisteredActivity>;
  private readonly stackTraces: boolean;
  private readonly logger: Logger;
  private readonly clock: Clock;

  /**
   * @param handlers functions by activity type, read once: later changes to the object or Map have no effect
   * @throws {TypeError} for a handler that is no function, an empty activity type, and options that make no sense
   */
  constructor(handlers: ActivityHandlers, options: InvocableActivityHandlerOptions = {}) {
    const { carrier = "typescript-invocable", resultCodec = AVRO_CODEC } = options;
    if (typeof carrier !== "string" || carrier === "") throw new TypeError("carrier must be a non-empty string");
    if (resultCodec !== AVRO_CODEC) throw new TypeError('resultCodec must be "avro"');
    this.activities = registerActivities(handlers);
    this.carrier = carrier;
    this.stackTraces = options.stackTraces ?? true;
    this.logger = options.logger ?? silentLogger;
    this.clock = options.clock ?? systemClock;
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

  private async runTask(input: ExternalTaskInput, options: HandleOptions | undefined): Promise<TaskOutcome> {
    if (input.kind !== "activity_task") return unsupportedTaskKind(input.kind);
    const activity = this.activities.get(input.task.handler);
    if (activity === undefined) return unknownActivity(input.task.handler, this.activities.keys());

    const now = this.clock.now();
    const remainingMs = options?.remainingMs;
    const times = readTaskTimes(input, remainingMs === undefined ? undefined : now + remainingMs);
    if ("unreadable" in times) return unreadableDeadline(times.unreadable);
    if (times.onReceipt !== undefined && times.onReceipt.at <= now) return expiredOnReceipt(times.onReceipt);

    const args = decodeArguments(input);
    if ("classification" in args) return args;

    const run = createActivityRun(this.clock, times.whileRunning, options?.signal);
    const outcome = await run.execute(
      () => activity(args),
      () => this.logger.warn(taskFields(input), "A late outcome was dropped."),
    );
    switch (outcome.kind) {
      case "returned":
        return this.encodeResult(outcome.value);
      case "threw":
        return thrown(outcome.error, this.stackTraces);
      case "aborted":
        return aborted(outcome.reason, this.stackTraces);
    }
  }

  private encodeResult(value: unknown): TaskOutcome {
    try {
      return payloadEnvelope(value, { logger: this.logger });
    } catch (error) {
      return unencodableResult(error);
    }
  }
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

function taskFields(input: ActivityTaskInput): Readonly<Record<string, unknown>> {
  return { task_id: input.task.id, attempt: input.task.attempt, activity_type: input.task.handler };
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
