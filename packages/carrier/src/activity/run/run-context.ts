import { ACTIVITY_EXECUTION_ID_HEADER } from "../../protocol/constants.js";
import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";
import type { ActivityTaskInput } from "../../protocol/task-input.js";
import type { Clock } from "../clock.js";
import type { ActivityContext, ActivityInfo } from "../context.js";
import type { ContextKey } from "../context-values.js";
import type { HeartbeatSource, Heartbeats } from "../heartbeat/part.js";
import { bindLogger, type Logger, taskFields } from "../logger.js";
import type { ActivityOutcome } from "../outcome.js";
import { quietly } from "../quietly.js";
import type { DeadlineName, RunDeadlines } from "./deadlines.js";
import { outcomeOf, type TaskOutcome } from "./failures.js";
import type { ActivityRun } from "./run.js";

/** Told of each call of `context.heartbeat`. */
export type HeartbeatObserver = (info: ActivityInfo, progress: HeartbeatProgress | undefined) => void;

/** Of a handler's settings, those that a context needs. */
export interface ContextSettings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatSource | undefined;
  readonly onHeartbeat: HeartbeatObserver | undefined;
}

/** What a context is made of. */
export interface RunParts {
  readonly input: ActivityTaskInput;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly deadlines: RunDeadlines;
  readonly run: ActivityRun;
  /** What there is from the start, by the id of the key. */
  readonly values?: ReadonlyMap<symbol, unknown> | undefined;
  readonly settings: ContextSettings;
}

/**
 * The context of one run. Its parts are made when they are first asked for: most handlers ask for few. Its methods may be
 * taken off it.
 */
export class RunContext implements ActivityContext {
  /** Whether the handler, or an interceptor, may know that the run was ended. */
  wasSignalRead = false;
  private readonly parts: RunParts;
  private readonly heartbeats: Heartbeats | undefined;
  private readInfo: ActivityInfo | undefined;
  private boundLogger: Logger | undefined;
  private values: Map<symbol, unknown> | undefined;
  private answered: { readonly promise: Promise<ActivityOutcome>; resolve(outcome: ActivityOutcome): void } | undefined;
  private answer: TaskOutcome | undefined;

  constructor(parts: RunParts) {
    this.parts = parts;
    if (parts.values !== undefined) this.values = new Map(parts.values);
    const { heartbeat, clock } = parts.settings;
    if (heartbeat !== undefined) {
      const onMoved = (): void => {
        this.readInfo = undefined;
      };
      this.heartbeats = heartbeat.start({
        input: parts.input,
        receivedAt: parts.receivedAt,
        deadlines: parts.deadlines,
        run: parts.run,
        clock,
        logger: this.logger,
        onMoved,
      });
    }
  }

  get info(): ActivityInfo {
    return (this.readInfo ??= readInfo(this.parts.input, this.parts.deadlines));
  }

  get signal(): AbortSignal {
    this.wasSignalRead = true;
    return this.parts.run.signal();
  }

  get headers(): Readonly<Record<string, unknown>> {
    return this.parts.input.headers;
  }

  get logger(): Logger {
    return (this.boundLogger ??= bindLogger(this.parts.settings.logger, taskFields(this.parts.input)));
  }

  get outcome(): Promise<ActivityOutcome> {
    if (this.answered === undefined) {
      let resolve!: (outcome: ActivityOutcome) => void;
      const promise = new Promise<ActivityOutcome>((settle) => {
        resolve = settle;
      });
      this.answered = { promise, resolve };
      if (this.answer !== undefined) resolve(outcomeOf(this.answer));
    }
    return this.answered.promise;
  }

  readonly remainingMs = (): number => {
    const deadline = this.parts.deadlines.firstWhileRunning();
    return deadline === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, deadline.at - this.parts.settings.clock.now());
  };

  readonly heartbeat = (progress?: HeartbeatProgress): void => {
    const { onHeartbeat } = this.parts.settings;
    if (onHeartbeat !== undefined) quietly(() => onHeartbeat(this.info, progress));
    this.heartbeats?.heartbeat(progress);
  };

  readonly get = <T>(key: ContextKey<T>): T =>
    this.values?.has(key.id) === true ? (this.values.get(key.id) as T) : key.defaultValue;

  readonly set = <T>(key: ContextKey<T>, value: T): void => {
    (this.values ??= new Map()).set(key.id, value);
  };

  /** No heartbeat is sent from now on. */
  end(): void {
    this.heartbeats?.stop();
  }

  /** Says what the task is answered with. */
  settle(outcome: TaskOutcome): void {
    this.answer = outcome;
    this.answered?.resolve(outcomeOf(outcome));
  }
}

function readInfo({ task, workflow, lease, headers }: ActivityTaskInput, deadlines: RunDeadlines): ActivityInfo {
  const executionId = headers[ACTIVITY_EXECUTION_ID_HEADER];
  const instant = (name: DeadlineName): Date | undefined => {
    const at = deadlines.at(name);
    return at === undefined ? undefined : new Date(at);
  };
  return {
    taskId: task.id,
    attempt: task.attempt,
    attemptId: task.activityAttemptId,
    activityType: task.handler,
    taskQueue: task.taskQueue,
    workflowId: workflow.id,
    runId: workflow.runId,
    idempotencyKey: task.idempotencyKey,
    executionId: typeof executionId === "string" && executionId !== "" ? executionId : undefined,
    lease: {
      owner: lease.owner,
      // Every task has one: an envelope without is refused, and so is one that is no timestamp.
      expiresAt: instant("lease.expires_at")!,
      renewedBy: lease.renewedBy ?? undefined,
    },
    deadlines: {
      scheduleToStart: instant("deadlines.schedule_to_start"),
      startToClose: instant("deadlines.start_to_close"),
      scheduleToClose: instant("deadlines.schedule_to_close"),
      heartbeat: instant("deadlines.heartbeat"),
    },
  };
}
