import { payloadEnvelope } from "../payload/envelope.js";
import {
  ACTIVITY_EXECUTION_ID_HEADER,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
} from "../protocol/constants.js";
import type { JsonObject } from "../protocol/fields.js";
import { formatTimestamp } from "../protocol/format-timestamp.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { ActivityTaskInputEnvelope, DeadlinesWire, LeaseWire, PayloadEnvelope } from "../protocol/wire.js";

const LEASE_MS = 300_000;
const START_TO_CLOSE_MS = 60_000;

/** What can be said of a task; everything has a default. Durations are milliseconds from `now`, null for no deadline. */
export interface TaskInputOptions {
  /** Default `test.activity`. */
  readonly activityType?: string;
  /** Positional arguments, encoded as one Avro list. Default: the envelope has no arguments. */
  readonly args?: readonly unknown[];
  /** From 1. Default 1. */
  readonly attempt?: number;
  /** Default `test`. */
  readonly taskQueue?: string;
  /** Default: a new one. */
  readonly taskId?: string;
  /** Default: a new one. */
  readonly attemptId?: string;
  /** Default: the attempt's id, as by the contract's first version. */
  readonly idempotencyKey?: string;
  /** The header `activity_execution_id`. Default: a new one. */
  readonly executionId?: string;
  /** Default: a new one. */
  readonly workflowId?: string;
  /** Default: a new one. */
  readonly runId?: string;
  /** When the task is leased, in milliseconds since the epoch; every time in the envelope follows from it. Default: now. */
  readonly now?: number;
  /** Default 5 minutes, as engines have it. */
  readonly leaseMs?: number;
  /** Default 1 minute. */
  readonly startToCloseMs?: number | null;
  /** Default none. */
  readonly scheduleToStartMs?: number | null;
  /** Default none. */
  readonly scheduleToCloseMs?: number | null;
  /** Default none. */
  readonly heartbeatTimeoutMs?: number | null;
  /** Added to the task's headers. */
  readonly headers?: JsonObject;

  /** Fields to be sent as they are, in place of what the options above make of them; broken ones too. */
  readonly task?: Partial<ActivityTaskInputEnvelope["task"]>;
  readonly lease?: Partial<LeaseWire>;
  readonly deadlines?: Partial<DeadlinesWire>;
  /** `payloads.arguments`, in place of `args`; broken ones too. */
  readonly payload?: JsonObject | null;
}

const OPTION_NAMES: OptionNames<TaskInputOptions> = {
  activityType: true,
  args: true,
  attempt: true,
  taskQueue: true,
  taskId: true,
  attemptId: true,
  idempotencyKey: true,
  executionId: true,
  workflowId: true,
  runId: true,
  now: true,
  leaseMs: true,
  startToCloseMs: true,
  scheduleToStartMs: true,
  scheduleToCloseMs: true,
  heartbeatTimeoutMs: true,
  headers: true,
  task: true,
  lease: true,
  deadlines: true,
  payload: true,
};

/**
 * A valid activity task as an engine's dispatcher sends it: leased just now for five minutes, to be done within one.
 *
 * ```ts
 * const envelope = buildTaskInput({ activityType: "billing.charge", args: ["card-7", 1299] });
 * ```
 *
 * @throws {PayloadError} for arguments that no payload can hold
 */
export function buildTaskInput(given?: TaskInputOptions): ActivityTaskInputEnvelope {
  const options = knownOptions(given, OPTION_NAMES, "buildTaskInput");
  const { activityType = "test.activity", attempt = 1, taskQueue = "test", now = Date.now() } = options;
  const { taskId = newId("task"), attemptId = newId("attempt"), executionId = newId("execution") } = options;
  return {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    task: {
      id: taskId,
      kind: "activity_task",
      attempt,
      activity_attempt_id: attemptId,
      task_queue: taskQueue,
      handler: activityType,
      connection: null,
      idempotency_key: options.idempotencyKey ?? attemptId,
      ...options.task,
    },
    workflow: { id: options.workflowId ?? newId("workflow"), run_id: options.runId ?? newId("run") },
    lease: {
      owner: "test-dispatcher",
      expires_at: timestampAt(now, options.leaseMs ?? LEASE_MS),
      heartbeat_endpoint: `/api/worker/activity-tasks/${encodeURIComponent(taskId)}/heartbeat`,
      ...options.lease,
    },
    payloads: { arguments: argumentsOf(options) },
    deadlines: {
      schedule_to_start: deadlineAt(now, options.scheduleToStartMs),
      start_to_close: deadlineAt(
        now,
        options.startToCloseMs === undefined ? START_TO_CLOSE_MS : options.startToCloseMs,
      ),
      schedule_to_close: deadlineAt(now, options.scheduleToCloseMs),
      heartbeat: deadlineAt(now, options.heartbeatTimeoutMs),
      ...options.deadlines,
    },
    headers: { [ACTIVITY_EXECUTION_ID_HEADER]: executionId, ...options.headers },
  };
}

function argumentsOf({ args, payload }: TaskInputOptions): PayloadEnvelope | null {
  // An envelope that is sent on purpose although no payload is like it.
  if (payload !== undefined) return payload as PayloadEnvelope | null;
  return args === undefined ? null : payloadEnvelope(args);
}

function newId(kind: string): string {
  return `${kind}-${crypto.randomUUID()}`;
}

function deadlineAt(now: number, offsetMs: number | null | undefined): string | null {
  return offsetMs === undefined || offsetMs === null ? null : timestampAt(now, offsetMs);
}

/** The instant `offsetMs` after `now`, with microseconds as engines write them. */
export function timestampAt(now: number, offsetMs: number): string {
  return formatTimestamp(now + offsetMs).replace("Z", "000Z");
}
