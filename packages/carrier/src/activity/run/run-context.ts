import { ACTIVITY_EXECUTION_ID_HEADER } from "../../protocol/constants.js";
import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";
import type { ActivityTaskInput } from "../../protocol/task-input.js";
import type { Clock } from "../clock.js";
import type { ActivityContext, ActivityInfo } from "../context.js";
import type { ContextKey } from "../context-values.js";
import type { HeartbeatRun, HeartbeatSource, Heartbeats } from "../heartbeat/part.js";
import { bindLogger, type Logger, taskFields } from "../logger.js";
import type { ActivityOutcome } from "../outcome.js";
import { quietly } from "../quietly.js";
import type { DeadlineName, RunDeadlines } from "./deadlines.js";

/** Told of each call of `context.heartbeat`. */
export type HeartbeatObserver = (info: ActivityInfo, progress: HeartbeatProgress | undefined) => void;

/** Of a handler's settings, those that a context needs. */
export interface ContextSettings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeat?: HeartbeatSource | undefined;
  readonly onHeartbeat?: HeartbeatObserver | undefined;
}

/** What a context is made of. */
export interface RunParts extends HeartbeatRun {
  readonly settings: ContextSettings;
  /** What there is from the start, by the id of the key. */
  readonly values: ReadonlyMap<symbol, unknown> | undefined;
  heartbeats: Heartbeats | undefined;
  /** Undefined until it was asked for: plain functions never do. */
  context: RunContext | undefined;
}

/** What an activity is called with: what its context can be made of, or the context that an interceptor has handed on. */
export type ContextSource = RunParts | ActivityContext;

/** The context of a run, always the same. Called by what hands it to somebody, so that plain functions do without. */
export function contextOf(source: ContextSource): ActivityContext {
  return "settings" in source ? runContextOf(source) : source;
}

export function runContextOf(parts: RunParts): RunContext {
  return (parts.context ??= new RunContext(parts));
}

/**
 * The context of one run. Its parts are made when they are first asked for: most handlers ask for few. Its methods may be
 * taken off it.
 */
export class RunContext implements ActivityContext {
  /** Whether the handler, or an interceptor, may know that the run was ended. */
  wasSignalRead = false;
  readonly outcome: Promise<ActivityOutcome>;
  /** Says what the task is answered with. */
  settle!: (outcome: ActivityOutcome) => void;
  private readonly parts: RunParts;
  private readInfo: ActivityInfo | undefined;
  /** How often deadlines had been moved when `readInfo` was made. */
  private readAt = 0;
  private boundLogger: Logger | undefined;
  private values: Map<symbol, unknown>;

  constructor(parts: RunParts) {
    this.parts = parts;
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.values = new Map(parts.values);
    // Bound, and no functions made here: V8 keeps one that is made as it is assigned to a property, and all that it can reach, until
    // the whole heap is collected.
    this.remainingMs = this.remainingMs.bind(this);
    this.heartbeat = this.heartbeat.bind(this);
    this.get = this.get.bind(this);
    this.set = this.set.bind(this);
    parts.heartbeats ??= parts.settings.heartbeat?.start(parts);
  }

  get info(): ActivityInfo {
    const { input, deadlines } = this.parts;
    if (this.readInfo === undefined || this.readAt !== deadlines.moves) this.readInfo = readInfo(input, deadlines);
    this.readAt = deadlines.moves;
    return this.readInfo;
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

  remainingMs(): number {
    const deadline = this.parts.deadlines.first(true);
    return deadline === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, deadline.at - this.parts.settings.clock.now());
  }

  heartbeat(progress?: HeartbeatProgress): void {
    const { onHeartbeat } = this.parts.settings;
    if (onHeartbeat !== undefined) quietly(() => onHeartbeat(this.info, progress));
    this.parts.heartbeats?.heartbeat(progress);
  }

  get<T>(key: ContextKey<T>): T {
    return this.values.has(key.id) ? (this.values.get(key.id) as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: T): void {
    this.values.set(key.id, value);
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
