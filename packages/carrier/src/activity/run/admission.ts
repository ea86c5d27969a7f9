import type { ExternalTaskInput } from "../../protocol/task-input.js";
import type { RegisteredActivity } from "../definition/registry.js";
import { CarrierShutdown } from "../errors.js";
import type { HandleOptions } from "../invocable-handler.js";
import { readRunDeadlines } from "./deadlines.js";
import type { Failing } from "./failing.js";
import { createActivityRun } from "./run.js";
import type { ContextSettings, RunParts } from "./run-context.js";

/** All that it takes to run a task. */
export interface AdmittedTask extends RunParts {
  readonly activity: RegisteredActivity;
}

/** A run that is ready to begin, or why it may not begin. */
export function admitTask(
  input: ExternalTaskInput,
  options: HandleOptions | undefined,
  activities: ReadonlyMap<string, RegisteredActivity>,
  settings: ContextSettings,
  isStopping: boolean,
): AdmittedTask | Failing {
  if (input.kind !== "activity_task") return ["unsupportedTaskKind", input.kind];
  const { handler, externalExecutor } = input.task;
  // The contract has the activity's type for a name, the public documentation the handler that it is mapped to. What is
  // no string is no key either.
  const activity = activities.get(handler) ?? activities.get(externalExecutor?.["handler"] as string);
  if (activity === undefined) return ["unknownActivity", handler, activities.keys()];

  const { clock, heartbeat } = settings;
  const now = clock.now();
  const remainingMs = options?.remainingMs;
  const deadlines = readRunDeadlines(input, now, remainingMs === undefined ? undefined : now + remainingMs);
  if ("unreadable" in deadlines) return ["unreadableDeadline", deadlines.unreadable];
  const first = deadlines.first(false);
  if (first !== undefined && first.at <= now) {
    return ["expiredOnReceipt", first, now, deadlines.skewMs !== undefined];
  }
  if (isStopping) return ["aborted", new CarrierShutdown(), false];

  const run = createActivityRun(clock, deadlines.first(true), options?.signal, options?.stopping);
  const task: AdmittedTask = {
    input,
    activity,
    run,
    deadlines,
    receivedAt: now,
    settings,
    values: options?.values,
    heartbeats: undefined,
    context: undefined,
  };
  if (heartbeat?.automatic === true) task.heartbeats = heartbeat.start(task);
  return task;
}
