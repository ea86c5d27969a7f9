import { describeReceived, type JsonObject } from "../../protocol/fields.js";
import type { CallerSignal } from "../caller-signal.js";
import type { Clock } from "../clock.js";
import type { ActivityInfo } from "../context.js";
import type { Logger } from "../logger.js";
import { quietly } from "../quietly.js";
import type { TaskFailure, TaskOutcome } from "../run/failures.js";
import { IdempotencyCoordinator } from "./coordinator.js";
import { inProgress } from "./failures.js";
import { fingerprintOf } from "./fingerprint.js";
import type { IdempotencySettings } from "./options.js";

/** A task that is to run once per key. */
export interface IdempotentTask {
  readonly info: ActivityInfo;
  /** Decoded. */
  readonly args: readonly unknown[];
  /** The arguments as sent: `payloads.arguments` of the envelope. */
  readonly payload: JsonObject | null;
  /** Aborted when the task is answered without waiting any longer. */
  readonly signal: CallerSignal;
  /** With the task's own fields in every line. */
  readonly logger: Logger;
  /**
   * Runs the handler, interceptors and encoding included. Goes on after `signal` as long as the handler does. A handler
   * that throws the signal's own reason must come out as that, with its type: nothing of it is stored then.
   */
  execute(): Promise<TaskOutcome>;
}

/** A task under way. */
export interface IdempotentRun {
  /** Of this task's own execution, of one that it joined, or of an earlier one. Rejects only as `execute` does. */
  readonly outcome: Promise<TaskOutcome>;
  /** True while the task waits for the execution of another one, and for good when it ended meanwhile. */
  readonly waiting: boolean;
  /**
   * What to answer when the task was ended from outside: `IdempotencyInProgress` in place of a passed deadline where the
   * task only waited, else the failure given.
   */
  whenEnded(failure: TaskFailure): TaskFailure;
}

/** One for each carrier: tasks of one process are joined without the store. */
export class Idempotency {
  private readonly settings: IdempotencySettings;
  private readonly coordinator: IdempotencyCoordinator;

  constructor(settings: IdempotencySettings, clock: Clock) {
    this.settings = settings;
    this.coordinator = new IdempotencyCoordinator(settings, clock);
  }

  /**
   * Begins a task. It is the caller's to stop waiting for the outcome when `signal` is aborted.
   *
   * @returns undefined when the task has no key: run it without idempotency
   * @throws what the `key` option throws, and a {TypeError} when it returns neither a text nor undefined
   */
  start(task: IdempotentTask): IdempotentRun | undefined {
    const { info, args, payload, signal, logger } = task;
    const key: unknown = this.settings.key(info, args);
    if (key === undefined || key === "") return undefined;
    if (typeof key !== "string") {
      quietly(() => key);
      throw new TypeError(`idempotency.key must return a string or undefined, it returned ${describeReceived(key)}`);
    }
    let waiting = false;
    const run = async (): Promise<TaskOutcome> => {
      const fingerprint = await fingerprintOf(info.activityType, payload);
      const keyed = { key, fingerprint, signal, logger, execute: () => task.execute() };
      return this.coordinator.run(keyed, (isWaiting) => {
        waiting = isWaiting;
      });
    };
    return {
      outcome: run(),
      get waiting() {
        return waiting;
      },
      whenEnded: (failure) => (waiting && failure.classification === "deadline_exceeded" ? inProgress() : failure),
    };
  }

  /**
   * For shutdown: resolves when what runs has been stored or freed. A handler that does not stop within `afterMs` is given
   * up, and its key freed.
   */
  async close(afterMs: number): Promise<void> {
    await this.coordinator.close(afterMs);
  }
}
