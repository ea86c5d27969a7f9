import { inlinePayload } from "../../payload/envelope.js";
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
import { type Failing, failed, isFailing, loadTrouble, prepare } from "./failing.js";
import type { TaskFailure, TaskOutcome } from "./failures.js";
import { fetched, perform, stored } from "./perform.js";
import type { ActivityRun } from "./run.js";
import { decodeArguments } from "./task-payloads.js";

/** How long a handler that was told to stop may take to do so before shutdown no longer waits for it. */
const LAST_WORDS_MS = 1000;

/** Takes tasks through their lives: judged on receipt, run, and put into an outcome. */
export interface TaskRunner {
  readonly isStopping: () => boolean;
  /** Runs one task. Never rejects. */
  readonly run: (input: ExternalTaskInput, options: HandleOptions | undefined) => Promise<TaskOutcome>;
  /** Ends what is running after the grace, and resolves when nothing is left to be stored. */
  readonly shutdown: (graceMs: number) => Promise<void>;
}

export function createTaskRunner(
  activities: ReadonlyMap<string, RegisteredActivity>,
  settings: HandlerSettings,
): TaskRunner {
  const { clock, idempotency, logger, maxArgumentValues } = settings;
  // No Set: what was once in one that many pass through lives until the whole heap is collected.
  const running: ActivityRun[] = [];
  const onIdle: (() => void)[] = [];
  let stopping = false;
  /** What the arguments of all tasks weigh that run. */
  let total = 0;

  async function refuse(input: ExternalTaskInput, failing: Failing): Promise<TaskFailure> {
    const failure = await failed(failing);
    const { classification, type, crowded } = failure;
    // A crowd is for the endpoint to tell of: not once for each task.
    if (crowded !== true) {
      logger.warn({ ...taskFields(input), classification, failure_type: type }, "A task was refused.");
    }
    return failure;
  }

  /** Details on their way to storage are part of the run: they end with it, and the failure stands without them. */
  async function finish(failure: TaskFailure, task?: AdmittedTask): Promise<TaskFailure> {
    const trouble = await loadTrouble();
    task?.context?.settle(trouble.outcomeOf(failure));
    if (failure.details === undefined) return failure;
    return trouble.withDetails(failure, inlinePayload, (details) => (task ? stored(details, task, settings) : details));
  }

  return {
    isStopping: () => stopping,
    async run(input, options) {
      const task = admitTask(input, options, activities, settings, stopping);
      if (isFailing(task)) return finish(await refuse(input, task));
      let weight = 0;
      running.push(task.run);
      try {
        const sent = task.input.arguments;
        const isStored = sent?.["codec"] === AVRO_CODEC && isStoredPayload(sent);
        const inline = isStored ? await fetched(sent, task, settings) : sent;
        // What was sent inline is foreign, whatever it looks like.
        const decoded =
          isStored && isFailing(inline)
            ? inline
            : decodeArguments(inline as JsonObject | null, maxArgumentValues - total, maxArgumentValues);
        let outcome: TaskOutcome;
        if (isFailing(decoded)) {
          outcome = await refuse(input, decoded);
        } else {
          weight = decoded.weight;
          total += weight;
          outcome = await (idempotency?.perform ?? perform)(task, decoded.args, settings);
        }
        if ("blob" in outcome) outcome = await stored(outcome, task, settings);
        if (isFailing(outcome)) return await finish(outcome, task);
        task.context?.settle({ status: "succeeded" });
        prepare();
        return outcome;
      } finally {
        task.heartbeats?.stop();
        running.splice(running.indexOf(task.run), 1);
        total -= weight;
        if (running.length === 0) for (const resolve of onIdle.splice(0)) resolve();
      }
    },
    async shutdown(graceMs) {
      stopping = true;
      if (running.length > 0) {
        const idle = new Promise<void>((resolve) => {
          onIdle.push(resolve);
        });
        const end = (): void => {
          for (const run of running) run.abort(new CarrierShutdown());
        };
        const cancel = graceMs === 0 ? end() : scheduleAt(clock, clock.now() + graceMs, end);
        await idle;
        cancel?.();
      }
      await idempotency?.close(LAST_WORDS_MS);
    },
  };
}
