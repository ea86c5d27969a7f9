import { warnOfPayloadSize } from "../../payload/envelope.js";
import { isPayloadError } from "../../payload/errors.js";
import type { JsonObject } from "../../protocol/fields.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../../protocol/wire.js";
import type { PayloadStorage } from "../../storage/payload-storage.js";
import type { Clock } from "../clock.js";
import { isActivityValidationError } from "../definition/validation.js";
import { type Logger, taskFields } from "../logger.js";
import type { AdmittedTask } from "./admission.js";
import {
  aborted,
  invalid,
  type TaskFailure,
  type TaskOutcome,
  thrown,
  undecodableArguments,
  unsupportedReference,
} from "./failures.js";
import type { RunOutcome } from "./run.js";
import { encodeResult } from "./task-payloads.js";

/** Of a handler's settings, those that say what comes of a run. */
export interface PerformSettings {
  readonly clock: Clock;
  readonly stackTraces: boolean;
  readonly logger: Logger;
  readonly externalStorage?: PayloadStorage | undefined;
}

/** Runs the activity of a task, and says what came of it. */
export async function perform(
  task: AdmittedTask,
  args: readonly unknown[],
  { stackTraces, logger }: PerformSettings,
): Promise<TaskOutcome> {
  const ended = await task.run.execute(
    () => task.activity(task, args),
    () => logger.warn(taskFields(task.input), "A late outcome was dropped."),
  );
  return conclude(ended, stackTraces, encodeResult, failureOf);
}

/** What comes of a run: its value and its error by what the caller makes of them, and what ended it otherwise. */
function conclude<T>(
  ended: RunOutcome,
  stackTraces: boolean,
  onValue: (value: unknown) => T,
  onError: (error: unknown, stackTraces: boolean) => TaskFailure,
): T | TaskFailure {
  if (ended.kind === "returned") return onValue(ended.value);
  return ended.kind === "threw" ? onError(ended.error, stackTraces) : aborted(ended.reason, stackTraces);
}

/** What a handler, or an interceptor, threw. */
export function failureOf(error: unknown, stackTraces: boolean): TaskFailure {
  return isActivityValidationError(error) ? invalid(error) : thrown(error, stackTraces);
}

/** Arguments that lie in external storage, fetched and verified. Fetching ends with the run. */
export async function fetched(
  sent: JsonObject,
  task: AdmittedTask,
  settings: PerformSettings,
): Promise<JsonObject | TaskFailure> {
  const { externalStorage: storage, clock } = settings;
  if (storage === undefined) return unsupportedReference(sent);
  const now = clock.now() - (task.deadlines.skewMs ?? 0);
  return bounded(task, settings, (signal) => storage.read(sent, { signal, now }));
}

/** A payload as it is sent: by reference where it is to go to storage. Storing ends with the run. */
export async function stored(
  payload: InlinePayloadEnvelope,
  task: AdmittedTask,
  settings: PerformSettings,
): Promise<PayloadEnvelope | TaskFailure> {
  const { externalStorage: storage, logger } = settings;
  if (storage?.exceedsThreshold(payload) === true) {
    return bounded(task, settings, (signal) => storage.write(payload, { signal }));
  }
  warnOfPayloadSize(payload, logger);
  return payload;
}

/** A step beside the handler's, which ends with the run as that does. */
async function bounded<T>(
  { run }: AdmittedTask,
  { stackTraces }: PerformSettings,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T | TaskFailure> {
  const ended = await run.execute(() => step(run.signal()), nothing);
  return conclude(
    ended,
    stackTraces,
    (value) => value as T,
    (error) => (isPayloadError(error) ? undecodableArguments(error) : thrown(error, stackTraces)),
  );
}

export const nothing = (): void => {};
