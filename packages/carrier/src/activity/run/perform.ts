import { warnOfPayloadSize } from "../../payload/envelope.js";
import type { JsonObject } from "../../protocol/fields.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../../protocol/wire.js";
import type { PayloadStorage } from "../../storage/payload-storage.js";
import type { Clock } from "../clock.js";
import { type Logger, taskFields } from "../logger.js";
import type { AdmittedTask } from "./admission.js";
import { type Failing, failed, isFailing } from "./failing.js";
import type { TaskFailure, TaskOutcome } from "./failures.js";
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
  const outcome = ended.kind === "returned" ? encodeResult(ended.value) : whyNot(ended, "failureOf", stackTraces);
  return isFailing(outcome) ? failed(outcome) : outcome;
}

/**
 * Why a run has no value.
 *
 * @param thrown what tells of an error
 */
function whyNot(
  ended: Exclude<RunOutcome, { kind: "returned" }>,
  thrown: "failureOf" | "stepFailure",
  stackTraces: boolean,
): Failing {
  return ended.kind === "threw" ? [thrown, ended.error, stackTraces] : ["aborted", ended.reason, stackTraces];
}

/** Arguments that lie in external storage, fetched and verified. Fetching ends with the run. */
export async function fetched(
  sent: JsonObject,
  task: AdmittedTask,
  settings: PerformSettings,
): Promise<JsonObject | Failing> {
  const { externalStorage: storage, clock } = settings;
  if (storage === undefined) return ["unsupportedReference", sent];
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
    const kept = await bounded(task, settings, (signal) => storage.write(payload, { signal }));
    return isFailing(kept) ? failed(kept) : kept;
  }
  warnOfPayloadSize(payload, logger);
  return payload;
}

/** A step beside the handler's, which ends with the run as that does. */
async function bounded<T>(
  { run }: AdmittedTask,
  { stackTraces }: PerformSettings,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T | Failing> {
  const ended = await run.execute(() => step(run.signal()), nothing);
  return ended.kind === "returned" ? (ended.value as T) : whyNot(ended, "stepFailure", stackTraces);
}

export const nothing = (): void => {};
