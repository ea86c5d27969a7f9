import type { PayloadStorage } from "../../storage/payload-storage.js";
import type { Clock } from "../clock.js";
import { isActivityValidationError } from "../definition/validation.js";
import { type MapError, mappedError } from "../map-error.js";
import type { AdmittedTask } from "./admission.js";
import { aborted, invalid, type TaskFailure, type TaskOutcome, thrown } from "./failures.js";
import type { RunOutcome } from "./run.js";
import { encodeResult } from "./task-payloads.js";

/** Of a handler's settings, those that say what comes of a run. */
export interface PerformSettings {
  readonly clock: Clock;
  readonly stackTraces: boolean;
  readonly mapError: MapError | undefined;
  readonly storage: PayloadStorage | undefined;
}

/** Runs the activity of a task, and says what came of it. */
export async function perform(
  task: AdmittedTask,
  args: readonly unknown[],
  settings: PerformSettings,
): Promise<TaskOutcome> {
  const ended: RunOutcome = await task.run.execute(
    () => task.activity(task.context, args),
    () => task.context().logger.warn({}, "A late outcome was dropped."),
  );
  switch (ended.kind) {
    case "returned":
      return encodeResult(ended.value);
    case "threw":
      return failureOf(ended.error, task, settings);
    case "aborted":
      return aborted(ended.reason, settings.stackTraces);
  }
}

/** What a handler, or an interceptor, threw. */
export function failureOf(
  error: unknown,
  { context }: AdmittedTask,
  { mapError, stackTraces }: PerformSettings,
): TaskFailure {
  if (isActivityValidationError(error)) return invalid(error);
  const mapped = mapError === undefined ? undefined : mappedError(mapError, error, context());
  return thrown(mapped ?? error, stackTraces, error);
}

/** A step beside the handler's, which ends with the run as that does. */
export async function bounded<T>(
  { run }: AdmittedTask,
  { stackTraces }: PerformSettings,
  step: () => Promise<T>,
): Promise<T | TaskFailure> {
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

export const nothing = (): void => {};
