import type { ActivityTaskInput, ExternalTaskInput } from "../../protocol/task-input.js";
import type { RegisteredActivity } from "../definition/registry.js";
import { CarrierShutdown } from "../errors.js";
import type { HandleOptions } from "../invocable-handler.js";
import { type RunDeadlines, readRunDeadlines } from "./deadlines.js";
import {
  aborted,
  expiredOnReceipt,
  type TaskFailure,
  unknownActivity,
  unreadableDeadline,
  unsupportedTaskKind,
} from "./failures.js";
import { type ActivityRun, createActivityRun } from "./run.js";
import { type ContextSettings, RunContext, type RunParts } from "./run-context.js";

/** All that it takes to run a task. */
export class AdmittedTask implements RunParts {
  readonly input: ActivityTaskInput;
  readonly activity: RegisteredActivity;
  readonly run: ActivityRun;
  readonly deadlines: RunDeadlines;
  /** Undefined until it was asked for: most plain functions never do. */
  madeContext: RunContext | undefined;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly settings: ContextSettings;
  readonly values: HandleOptions["values"];

  constructor(
    input: ActivityTaskInput,
    activity: RegisteredActivity,
    run: ActivityRun,
    deadlines: RunDeadlines,
    receivedAt: number,
    settings: ContextSettings,
    values: HandleOptions["values"],
  ) {
    this.input = input;
    this.activity = activity;
    this.run = run;
    this.deadlines = deadlines;
    this.receivedAt = receivedAt;
    this.settings = settings;
    this.values = values;
  }

  /** The context of the run, always the same. */
  readonly context = (): RunContext => (this.madeContext ??= new RunContext(this));
}

/** A run that is ready to begin, or why it may not. */
export function admitTask(
  input: ExternalTaskInput,
  options: HandleOptions | undefined,
  activities: ReadonlyMap<string, RegisteredActivity>,
  settings: ContextSettings,
  isStopping: boolean,
): AdmittedTask | TaskFailure {
  if (input.kind !== "activity_task") return unsupportedTaskKind(input.kind);
  const { handler, externalExecutor } = input.task;
  // The contract has the activity's type for a name, the public documentation the handler that it is mapped to. What is
  // no string is no key either.
  const activity = activities.get(handler) ?? activities.get(externalExecutor?.["handler"] as string);
  if (activity === undefined) return unknownActivity(handler, activities.keys());

  const { clock, heartbeat } = settings;
  const now = clock.now();
  const remainingMs = options?.remainingMs;
  const deadlines = readRunDeadlines(input, now, remainingMs === undefined ? undefined : now + remainingMs);
  if ("unreadable" in deadlines) return unreadableDeadline(deadlines.unreadable);
  const first = deadlines.first();
  if (first !== undefined && first.at <= now) return expiredOnReceipt(first, now, deadlines.skewMs !== undefined);
  if (isStopping) return aborted(new CarrierShutdown(), false);

  const run = createActivityRun(clock, deadlines.firstWhileRunning(), options?.signal, options?.stopping);
  const task = new AdmittedTask(input, activity, run, deadlines, now, settings, options?.values);
  if (heartbeat?.automatic === true) task.context();
  return task;
}
