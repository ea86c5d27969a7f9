import { warnOfPayloadSize } from "../../payload/envelope.js";
import { AVRO_CODEC } from "../../protocol/constants.js";
import type { JsonObject } from "../../protocol/fields.js";
import type { ExternalTaskInput } from "../../protocol/task-input.js";
import { isStoredPayload } from "../../storage/stored-payload.js";
import { scheduleAt } from "../clock.js";
import type { RegisteredActivity } from "../definition/registry.js";
import { CarrierShutdown } from "../errors.js";
import type { HandlerSettings } from "../handler-options.js";
import type { HandleOptions } from "../invocable-handler.js";
import { taskFields } from "../logger.js";
import { type AdmittedTask, admitTask } from "./admission.js";
import { encodeDetails, lostDetails, type TaskFailure, type TaskOutcome, unsupportedReference } from "./failures.js";
import { bounded, nothing, perform } from "./perform.js";
import type { ActivityRun } from "./run.js";
import { decodeArguments, fetchArguments } from "./task-payloads.js";

/** How long a handler that was told to stop may take to do so before shutdown no longer waits for it. */
const LAST_WORDS_MS = 1000;

function isFailure(value: object | null): value is TaskFailure {
  return value !== null && "classification" in value;
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
    const { settings } = this;
    const task = admitTask(input, options, this.activities, settings, this.stopping);
    if ("classification" in task) return this.refuse(input, task);
    const { maxArgumentValues, idempotency, storage } = settings;
    let weight = 0;
    this.running.add(task.run);
    try {
      const sent = task.input.arguments;
      const isStored = sent !== null && sent["codec"] === AVRO_CODEC && isStoredPayload(sent);
      const inline = isStored ? await this.fetch(task, sent) : sent;
      const decoded = isFailure(inline)
        ? inline
        : decodeArguments(inline, maxArgumentValues - this.weight, maxArgumentValues);
      let outcome: TaskOutcome;
      if (isFailure(decoded)) {
        // A crowd is for the endpoint to tell of: not once for each task.
        outcome = decoded.crowded === true ? decoded : this.refuse(input, decoded);
      } else {
        weight = decoded.weight;
        this.weight += weight;
        outcome = await (idempotency?.perform ?? perform)(task, decoded.args, settings);
      }
      if ("blob" in outcome) {
        const result = outcome;
        if (storage?.exceedsThreshold(result) === true) {
          outcome = await bounded(task, settings, () => storage.write(result, { signal: task.run.signal() }));
        } else {
          warnOfPayloadSize(result, settings.logger);
        }
      }
      task.madeContext?.settle(outcome);
      return storage === undefined ? outcome : await this.withStoredDetails(outcome, task);
    } finally {
      task.madeContext?.end();
      this.running.delete(task.run);
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

  private refuse(input: ExternalTaskInput, failure: TaskFailure): TaskFailure {
    const { classification, type } = failure;
    const fields = { ...taskFields(input), classification, failure_type: type };
    this.settings.logger.warn(fields, "A task was refused before its handler ran.");
    return failure;
  }

  private async fetch(task: AdmittedTask, envelope: JsonObject): Promise<JsonObject | TaskFailure> {
    const { storage, clock } = this.settings;
    if (storage === undefined) return unsupportedReference(envelope);
    const { run, deadlines } = task;
    const now = deadlines.toEngine(clock.now());
    return bounded(task, this.settings, () => fetchArguments(envelope, storage, { signal: run.signal(), now }));
  }

  /** Details on their way to storage are part of the run: they end with it, and the failure stands without them. */
  private async withStoredDetails(outcome: TaskOutcome, { run }: AdmittedTask): Promise<TaskOutcome> {
    const { storage } = this.settings;
    if ("codec" in outcome || outcome.details === undefined || storage === undefined) return outcome;
    let encodedDetails: TaskFailure["encodedDetails"] = encodeDetails(outcome.details);
    const inline = encodedDetails;
    if (storage.exceedsThreshold(inline)) {
      const ended = await run.execute(() => storage.write(inline, { signal: run.signal() }), nothing);
      encodedDetails = lostDetails("There was no time left to store them.");
      if (ended.kind === "threw") encodedDetails = lostDetails("They could not be stored.");
      if (ended.kind === "returned") {
        const stored = ended.value as Awaited<ReturnType<typeof storage.write>>;
        encodedDetails = "classification" in stored ? lostDetails(stored.message) : stored;
      }
    }
    return { ...outcome, encodedDetails };
  }
}
