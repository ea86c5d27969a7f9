import { brand, brandOf } from "../protocol/brand.js";
import { parseExternalTaskInput } from "../protocol/task-input.js";
import type { InvocableResultEnvelope } from "../protocol/wire.js";
import { type ActivityHandlers, type HandlersOf, registerActivities } from "./definition/registry.js";
import {
  type HandlerSettings,
  type InvocableActivityHandlerOptions,
  resolveHandlerOptions,
} from "./handler-options.js";
import type { HandleOptions, InvocableHandler } from "./invocable-handler.js";
import { resultHead, successEnvelope } from "./run/envelopes.js";
import { loadTrouble } from "./run/failing.js";
import { createTaskRunner, type TaskRunner } from "./run/task-runner.js";

export type { InvocableActivityHandlerOptions } from "./handler-options.js";

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
export class InvocableActivityHandler<Handlers extends object = ActivityHandlers> implements InvocableHandler {
  /** As it stands in `metadata.carrier`. */
  readonly carrier: string;
  /** The activity types this handler serves. */
  readonly activityTypes: readonly string[];
  /** As they were given: `inputSchemasOf` of `/manifest` reads there what shape arguments have. */
  readonly handlers: ActivityHandlers;
  private readonly settings: HandlerSettings;
  private readonly runner: TaskRunner;

  /**
   * @param handlers functions and definitions by activity type, read once: later changes have no effect
   * @throws {TypeError} for a handler that is neither, an empty or repeated activity type, and options that make no sense
   */
  constructor(handlers: HandlersOf<Handlers>, options?: InvocableActivityHandlerOptions) {
    const settings = resolveHandlerOptions(options);
    const activities = registerActivities(handlers, settings.interceptors);
    this.handlers = handlers;
    this.activityTypes = [...activities.keys()];
    this.settings = settings;
    this.carrier = settings.carrier;
    this.runner = createTaskRunner(activities, settings);
    brand(this, "InvocableActivityHandler");
  }

  /** Whether {@link shutdown} was called. */
  get isShutDown(): boolean {
    return this.runner.isStopping();
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
    const { clock, carrier } = this.settings;
    const started = clock.monotonic();
    const input = parseExternalTaskInput(envelope);
    const outcome = await this.runner.run(input, options);
    const head = resultHead(input, {
      handler: input.task.handler,
      carrier,
      duration_ms: Math.max(0, Math.round(clock.monotonic() - started)),
    });
    if ("codec" in outcome) return successEnvelope(head, outcome);
    const { failureEnvelope } = await loadTrouble();
    return failureEnvelope(head, outcome);
  }

  /**
   * Stops the handler: tasks that arrive from now on are answered with a retryable `CarrierShutdown` failure, and those
   * that still run after the grace are ended with it. With `idempotency`, outcomes are stored and keys freed before it
   * resolves.
   *
   * @param options.graceMs how long running tasks may go on, in milliseconds. Default 0.
   * @returns once no task is running; what was answered may still be on its way to the caller
   * @throws {TypeError} (as a rejection) for a grace that is no number >= 0
   */
  async shutdown({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    if (typeof graceMs !== "number" || !(graceMs >= 0)) {
      throw new TypeError("graceMs must be a number >= 0");
    }
    await this.runner.shutdown(graceMs);
  }
}

/** True for the result of a task that was not run for want of room: an endpoint does not send it, but asks for a retry. */
export function isOverloaded(result: InvocableResultEnvelope): boolean {
  return brandOf(result) === "CarrierOverloaded";
}

/** True for an {@link InvocableActivityHandler} of any copy of this library. */
export function isInvocableActivityHandler(value: unknown): value is InvocableActivityHandler {
  return brandOf(value) === "InvocableActivityHandler";
}

/**
 * Runs one task with the given handlers: {@link InvocableActivityHandler} made, used once and dropped. For more than one
 * task make the handler once.
 *
 * @throws {ExternalTaskInputError} (as a rejection) when the envelope violates the contract
 * @throws {TypeError} (as a rejection) for bad handlers or options
 */
export async function handleInvocableActivity<Handlers extends object>(
  envelope: unknown,
  handlers: HandlersOf<Handlers>,
  { signal, stopping, remainingMs, values, ...options }: InvocableActivityHandlerOptions & HandleOptions = {},
): Promise<InvocableResultEnvelope> {
  return new InvocableActivityHandler(handlers, options).handle(envelope, { signal, stopping, remainingMs, values });
}
