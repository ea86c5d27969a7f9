import { AVRO_CODEC } from "../protocol/constants.js";
import type { JsonObject } from "../protocol/fields.js";
import type { ActivityTaskInput, ExternalTaskInput } from "../protocol/task-input.js";
import type { PayloadEnvelope } from "../protocol/wire.js";
import { exceedsThreshold, isStoredPayload } from "../storage/external-storage.js";
import { scheduleAt } from "./clock.js";
import { readTaskDeadlines, type TaskDeadlines } from "./deadlines.js";
import { CarrierShutdown } from "./errors.js";
import type { HandlerSettings } from "./handler-options.js";
import type { Idempotency, IdempotentRun } from "./idempotency/idempotency.js";
import type { HandleOptions } from "./invocable-handler.js";
import { taskFields } from "./logger.js";
import { mappedError } from "./map-error.js";
import type { RegisteredActivity } from "./registry.js";
import {
  aborted,
  encodeDetails,
  expiredOnReceipt,
  invalid,
  lostDetails,
  type TaskFailure,
  type TaskOutcome,
  thrown,
  unknownActivity,
  unreadableDeadline,
  unsupportedReference,
  unsupportedTaskKind,
} from "./results.js";
import { type ActivityRun, createActivityRun, type RunOutcome } from "./run.js";
import { RunContext } from "./run-context.js";
import {
  decodeArguments,
  encodeResult,
  fetchArguments,
  needsStorage,
  storeDetails,
  storeResult,
} from "./task-payloads.js";
import { isActivityValidationError } from "./validation.js";

/** All that it takes to run a task. */
interface AdmittedTask {
  readonly input: ActivityTaskInput;
  readonly activity: RegisteredActivity;
  readonly run: ActivityRun;
  readonly deadlines: TaskDeadlines;
  /** Made when it is first asked for: most plain functions never do. */
  readonly context: () => RunContext;
}

/** How long a handler that was told to stop may take to do so before shutdown no longer waits for it. */
const LAST_WORDS_MS = 1000;
/** How long a late result may take to be stored, once nobody waits for the answer any more. */
const LATE_STORAGE_MS = 30_000;

const nothing = (): void => {};

function isFailure(value: object): value is TaskFailure {
  return "classification" in value;
}

/** Takes tasks through their lives: judged on receipt, run, and put into an outcome. */
export class TaskRunner {
  private readonly activities: ReadonlyMap<string, RegisteredActivity>;
  private readonly settings: HandlerSettings;
  private readonly running = new Set<ActivityRun>();
  private readonly onIdle: (() => void)[] = [];
  private stopping = false;
  /** What the arguments of all tasks weigh that run. */
  private weight = 0;

  constructor(activities: ReadonlyMap<string, RegisteredActivity>, settings: HandlerSettings) {
    this.activities = activities;
    this.settings = settings;
  }

  /** Runs one task. Never rejects. */
  async run(input: ExternalTaskInput, options: HandleOptions | undefined): Promise<TaskOutcome> {
    let context: RunContext | undefined;
    const task = this.admit(input, options, (made) => {
      context = made;
    });
    if ("classification" in task) return this.refuse(input, task);
    const { run } = task;
    const { maxArgumentValues, idempotency } = this.settings;
    let weight = 0;
    this.running.add(run);
    try {
      const sent = task.input.arguments;
      const isStored = sent !== null && sent["codec"] === AVRO_CODEC && isStoredPayload(sent);
      const inline = isStored ? await this.fetch(task, sent) : sent;
      const decoded =
        inline !== null && isFailure(inline)
          ? inline
          : decodeArguments(inline, maxArgumentValues - this.weight, maxArgumentValues);
      let outcome: TaskOutcome;
      // A crowd is for the endpoint to tell of: not once for each task.
      if (isFailure(decoded)) outcome = decoded.crowded === true ? decoded : this.refuse(input, decoded);
      else {
        const { args } = decoded;
        weight = decoded.weight;
        this.weight += weight;
        if (idempotency === undefined) outcome = this.conclude(await this.invoke(task, args), task);
        else outcome = await this.performOnce(task, args, idempotency);
      }
      const { storage, logger } = this.settings;
      if ("blob" in outcome && needsStorage(outcome, storage, logger)) {
        const result = outcome;
        outcome = await this.bounded(run, () => storeResult(result, storage, run.signal()));
      }
      context?.settle(outcome);
      return this.settings.storage === undefined ? outcome : await this.withStoredDetails(outcome, run);
    } finally {
      context?.end();
      this.running.delete(run);
      this.weight -= weight;
      if (this.running.size === 0) for (const resolve of this.onIdle.splice(0)) resolve();
    }
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  /** Ends what is running after the grace, and resolves when nothing is left to be stored. */
  async shutdown(graceMs: number): Promise<void> {
    const { clock, idempotency } = this.settings;
    this.stopping = true;
    if (this.running.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.onIdle.push(resolve);
      });
      const end = (): void => {
        for (const run of this.running) run.abort(new CarrierShutdown());
      };
      const cancel = graceMs === 0 ? end() : scheduleAt(clock, clock.now() + graceMs, end);
      await idle;
      cancel?.();
    }
    await idempotency?.close(LAST_WORDS_MS);
  }

  /** A run that is ready to begin, or why it may not. */
  private admit(
    input: ExternalTaskInput,
    options: HandleOptions | undefined,
    onContext: (context: RunContext) => void,
  ): AdmittedTask | TaskFailure {
    if (input.kind !== "activity_task") return unsupportedTaskKind(input.kind);
    const activity = this.activities.get(input.task.handler);
    if (activity === undefined) return unknownActivity(input.task.handler, this.activities.keys());

    const { clock, automaticHeartbeats } = this.settings;
    const now = clock.now();
    const remainingMs = options?.remainingMs;
    const deadlines = readTaskDeadlines(input, now, remainingMs === undefined ? undefined : now + remainingMs);
    if ("unreadable" in deadlines) return unreadableDeadline(deadlines.unreadable);
    const first = deadlines.first();
    if (first !== undefined && first.at <= now) return expiredOnReceipt(first, now, deadlines.skewMs !== undefined);
    if (this.stopping) return aborted(new CarrierShutdown(), false);

    const run = createActivityRun(clock, deadlines.firstWhileRunning(), options?.signal);
    let made: RunContext | undefined;
    const context = (): RunContext => {
      if (made === undefined) {
        const values = options?.values;
        made = new RunContext({ input, receivedAt: now, deadlines, run, values, settings: this.settings });
        onContext(made);
      }
      return made;
    };
    if (automaticHeartbeats) context();
    return { input, activity, run, deadlines, context };
  }

  private refuse(input: ExternalTaskInput, failure: TaskFailure): TaskFailure {
    const { classification, type } = failure;
    const fields = { ...taskFields(input), classification, failure_type: type };
    this.settings.logger.warn(fields, "A task was refused before its handler ran.");
    return failure;
  }

  private async fetch({ run, deadlines }: AdmittedTask, envelope: JsonObject): Promise<JsonObject | TaskFailure> {
    const { storage, clock } = this.settings;
    if (storage === undefined) return unsupportedReference(envelope["external_storage"]);
    const now = deadlines.toEngine(clock.now());
    return this.bounded(run, () => fetchArguments(envelope, storage, { signal: run.signal(), now }));
  }

  private invoke({ activity, run, context }: AdmittedTask, args: readonly unknown[]): Promise<RunOutcome> {
    return run.execute(
      () => activity(context, args),
      () => context().logger.warn({}, "A late outcome was dropped."),
    );
  }

  /** A step beside the handler's, which ends with the run as that does. */
  private async bounded<T>(run: ActivityRun, step: () => Promise<T>): Promise<T | TaskFailure> {
    const { stackTraces } = this.settings;
    const ended = await run.execute(step, nothing);
    switch (ended.kind) {
      case "returned":
        return ended.value as T;
      case "threw":
        return thrown(ended.error, stackTraces);
      case "aborted":
        return aborted(ended.reason, stackTraces);
    }
  }

  private conclude(ended: RunOutcome, task: AdmittedTask): TaskOutcome {
    switch (ended.kind) {
      case "returned":
        return encodeResult(ended.value);
      case "threw":
        return this.describeError(ended.error, task);
      case "aborted":
        return aborted(ended.reason, this.settings.stackTraces);
    }
  }

  /** As {@link invoke}, unless the task's idempotency key stands for a run that there is or was. */
  private async performOnce(
    task: AdmittedTask,
    args: readonly unknown[],
    idempotency: Idempotency,
  ): Promise<TaskOutcome> {
    const { input, run, context } = task;
    let shared: IdempotentRun | undefined;
    /** What the handler said in time, though the store may not have it yet. */
    let said: TaskOutcome | undefined;
    const begin = (): Promise<TaskOutcome> | undefined => {
      shared = idempotency.start({
        info: context().info,
        args,
        // Not to tell the two ways of sending no arguments apart.
        payload: args.length === 0 ? null : input.arguments,
        signal: run.signal(),
        logger: context().logger,
        execute: async () => {
          const outcome = await this.execute(task, args);
          if (!run.signal().aborted) said = outcome;
          return outcome;
        },
      });
      return shared?.outcome;
    };
    // What comes late is logged by the execution, which knows whether anybody still has use for it.
    const ended = await run.execute(begin, nothing);
    switch (ended.kind) {
      case "returned":
        // Without a key there is nothing to share.
        return (ended.value as TaskOutcome | undefined) ?? this.conclude(await this.invoke(task, args), task);
      case "threw":
        return this.describeError(ended.error, task);
      case "aborted": {
        if (said !== undefined) return said;
        const failure = aborted(ended.reason, this.settings.stackTraces);
        return shared?.whenEnded(failure) ?? failure;
      }
    }
  }

  /** Runs the handler to its end, whatever becomes of the run, and says what came of it. */
  private async execute(task: AdmittedTask, args: readonly unknown[]): Promise<TaskOutcome> {
    const { activity, context, run } = task;
    const { storage, stackTraces } = this.settings;
    let outcome: TaskOutcome;
    try {
      const value = await activity(context, args);
      // A handler that looks at its signal and has nothing to say has most likely stopped half-way.
      if (value === undefined && run.signal().aborted && context().wasSignalRead) {
        return aborted(run.signal().reason, stackTraces);
      }
      outcome = encodeResult(value);
    } catch (error) {
      // Once the run was ended from outside, what is thrown tells of that, and not of the work.
      return run.signal().aborted ? aborted(run.signal().reason, stackTraces) : this.describeError(error, task);
    }
    if (!("blob" in outcome) || !exceedsThreshold(outcome, storage)) return outcome;
    const storing = this.lateSignal(run.signal());
    try {
      return await storeResult(outcome, storage, storing.signal);
    } catch (error) {
      return thrown(error, stackTraces);
    } finally {
      storing.dispose();
    }
  }

  /** A signal that follows another after a while: what a handler has done is to be kept, also when it is late. */
  private lateSignal(signal: AbortSignal): { readonly signal: AbortSignal; dispose(): void } {
    const { clock } = this.settings;
    const controller = new AbortController();
    let cancel: (() => void) | undefined;
    const follow = (): void => {
      cancel = clock.schedule(LATE_STORAGE_MS, () => controller.abort(signal.reason));
    };
    signal.addEventListener("abort", follow);
    if (signal.aborted) follow();
    return {
      signal: controller.signal,
      dispose() {
        signal.removeEventListener("abort", follow);
        cancel?.();
      },
    };
  }

  private describeError(error: unknown, { context }: AdmittedTask): TaskFailure {
    if (isActivityValidationError(error)) return invalid(error);
    const { mapError, stackTraces } = this.settings;
    const mapped = mapError === undefined ? undefined : mappedError(mapError, error, context());
    return thrown(mapped ?? error, stackTraces, error);
  }

  /** Details on their way to storage are part of the run: they end with it, and the failure stands without them. */
  private async withStoredDetails(outcome: TaskOutcome, run: ActivityRun): Promise<TaskOutcome> {
    const { storage } = this.settings;
    if ("codec" in outcome || outcome.details === undefined || storage === undefined) return outcome;
    const encoded = encodeDetails(outcome.details);
    if (!exceedsThreshold(encoded, storage)) return { ...outcome, encodedDetails: encoded };
    const ended = await run.execute(() => storeDetails(encoded, storage, run.signal()), nothing);
    return {
      ...outcome,
      encodedDetails:
        ended.kind === "returned"
          ? (ended.value as PayloadEnvelope)
          : lostDetails("There was no time left to store them."),
    };
  }
}
