import { AVRO_CODEC } from "../../protocol/constants.js";
import type { ExternalTaskInput } from "../../protocol/task-input.js";
import type { InlinePayloadEnvelope } from "../../protocol/wire.js";
import { isStoredPayload } from "../../storage/stored-payload.js";
import { scheduleAt } from "../clock.js";
import type { RegisteredActivity } from "../definition/registry.js";
import { CarrierShutdown } from "../errors.js";
import type { HandlerSettings } from "../handler-options.js";
import type { HandleOptions } from "../invocable-handler.js";
import { taskFields } from "../logger.js";
import { admitTask } from "./admission.js";
import { encodeDetails, lostDetails, outcomeOf, type TaskFailure, type TaskOutcome } from "./failures.js";
import { fetched, perform, stored } from "./perform.js";
import type { ActivityRun } from "./run.js";
import { decodeArguments } from "./task-payloads.js";

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
    if (isFailure(task)) return this.refuse(input, task);
    let weight = 0;
    this.running.add(task.run);
    try {
      const { maxArgumentValues, idempotency } = settings;
      const sent = task.input.arguments;
      const isStored = sent?.["codec"] === AVRO_CODEC && isStoredPayload(sent);
      const inline = isStored ? await fetched(sent, task, settings) : sent;
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
      if ("blob" in outcome) outcome = await stored(outcome as InlinePayloadEnvelope, task, settings);
      task.context?.settle(outcomeOf(outcome));
      // Details on their way to storage are part of the run: they end with it, and the failure stands without them.
      if (isFailure(outcome) && outcome.details !== undefined) {
        const kept = await stored(encodeDetails(outcome.details), task, settings);
        outcome = { ...outcome, encodedDetails: isFailure(kept) ? lostDetails(kept.message) : kept };
      }
      return outcome;
    } finally {
      task.heartbeats?.stop();
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
}
