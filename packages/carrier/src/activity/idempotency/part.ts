import type { Clock } from "../clock.js";
import type { AdmittedTask } from "../run/admission.js";
import type { TaskOutcome } from "../run/failures.js";
import type { PerformSettings } from "../run/perform.js";

/** Runs the tasks of one carrier, each idempotency key once. */
export interface PerformOnce {
  /** As `perform`, unless the task's idempotency key stands for a run that there is or was. */
  readonly perform: (task: AdmittedTask, args: readonly unknown[], settings: PerformSettings) => Promise<TaskOutcome>;
  /** For shutdown: resolves when what runs has been stored or freed. What does not stop within `afterMs` is given up. */
  close(afterMs: number): Promise<void>;
}

/** Runs a task once for each key. Made by `idempotent` of `/idempotency`, and taken by any number of carriers. */
export interface ActivityIdempotency {
  forCarrier(clock: Clock): PerformOnce;
}
