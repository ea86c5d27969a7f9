import { EXTERNAL_TASK_INPUT_SCHEMA, EXTERNAL_TASK_INPUT_VERSION, TASK_KINDS } from "./constants.js";
import { throwInputError } from "./errors.js";
import {
  type ContractViolation,
  collectViolations,
  type JsonObject,
  NOTHING,
  readInteger,
  readList,
  readLiteral,
  readNullableObject,
  readNullableString,
  readObject,
  readOneOf,
  readString,
  type Violate,
} from "./fields.js";
import { parseTimestamp } from "./timestamps.js";

/** The engine's claim on a task: who holds it, until when, and where to renew it. */
export interface TaskLease {
  readonly owner: string;
  /** As sent; RFC 3339 by contract, checked where it is used. */
  readonly expiresAt: string;
  /** A path on the engine. */
  readonly heartbeatEndpoint: string;
  /** Who renews the lease while the handler runs; null when nobody said so. An additive field of `lease`. */
  readonly renewedBy: string | null;
  /**
   * The engine's time when the request was sent, RFC 3339; null when nobody said, or not as a timestamp. An additive field
   * of `lease`. The difference to the receiver's own clock goes for all the times of the task.
   */
  readonly sentAt: string | null;
}

/** Deadlines as sent (RFC 3339 by contract, checked where they are used); null where none was set. */
export interface TaskDeadlines {
  readonly scheduleToStart: string | null;
  readonly startToClose: string | null;
  readonly scheduleToClose: string | null;
  readonly heartbeat: string | null;
}

/** An activity task, ready for a handler. */
export interface ActivityTaskInput {
  readonly kind: "activity_task";
  readonly task: {
    readonly id: string;
    /** From 1. Counts lease-expiry redeliveries too. */
    readonly attempt: number;
    readonly activityAttemptId: string;
    readonly taskQueue: string;
    /** The activity type. */
    readonly handler: string;
    readonly connection: string | null;
    /** The engine's resolved carrier mapping, secrets redacted. */
    readonly externalExecutor: JsonObject | null;
    /** The attempt id on older servers, the execution id (stable over attempts) on newer ones. */
    readonly idempotencyKey: string;
  };
  readonly workflow: { readonly id: string; readonly runId: string };
  readonly lease: TaskLease;
  /** The payload envelope of the positional arguments, not yet decoded; null when there are none. */
  readonly arguments: JsonObject | null;
  readonly deadlines: TaskDeadlines;
  readonly headers: JsonObject;
}

/** A workflow task: for runtimes that replay workflows, never for a carrier. */
export interface WorkflowTaskInput {
  readonly kind: "workflow_task";
  readonly task: {
    readonly id: string;
    readonly attempt: number;
    readonly taskQueue: string;
    /** The workflow type. */
    readonly handler: string | null;
    readonly connection: string | null;
    readonly compatibility: string | null;
    readonly idempotencyKey: string;
  };
  readonly workflow: {
    readonly id: string;
    readonly runId: string;
    readonly status: string | null;
    readonly resume: JsonObject;
  };
  readonly lease: TaskLease;
  readonly arguments: JsonObject | null;
  readonly history: {
    readonly events: readonly unknown[];
    readonly lastSequence: number;
    readonly nextPageToken: string | null;
    readonly encoding: string | null;
  };
  readonly headers: JsonObject;
}

/** An input envelope that was read. */
export type ExternalTaskInput = ActivityTaskInput | WorkflowTaskInput;

/**
 * Reads an external task input envelope (`durable-workflow.v2.external-task-input`, version 1).
 *
 * Unknown fields are ignored. It checks the envelope, not what is in it: the payload envelope is an object or null, and
 * timestamps are strings, because a task with a broken one still has an identity that a failure can be reported under.
 *
 * @param value a parsed JSON document
 * @throws {ExternalTaskInputError} naming the first field that violates the contract, and what was expected
 */
export function parseExternalTaskInput(value: unknown): ExternalTaskInput {
  return readTaskInput(value, throwInputError);
}

/** Every violation of the input contract in a document, in reading order; empty for a valid one. */
export function externalTaskInputViolations(value: unknown): readonly ContractViolation[] {
  return collectViolations((violate) => readTaskInput(value, violate));
}

function readTaskInput(value: unknown, violate: Violate): ExternalTaskInput {
  const document = readObject(value, "", violate);
  readLiteral(document["schema"], EXTERNAL_TASK_INPUT_SCHEMA, "schema", violate);
  readLiteral(document["version"], EXTERNAL_TASK_INPUT_VERSION, "version", violate);
  const task = readObject(document["task"], "task", violate);
  const kind = readOneOf(task["kind"], TASK_KINDS, "task.kind", violate);
  return kind === "activity_task"
    ? readActivityTask(document, task, violate)
    : readWorkflowTask(document, task, violate);
}

function readActivityTask(document: JsonObject, task: JsonObject, violate: Violate): ActivityTaskInput {
  const workflow = readObject(document["workflow"], "workflow", violate);
  const deadlines = readObject(document["deadlines"], "deadlines", violate);
  return {
    kind: "activity_task",
    task: {
      id: readString(task["id"], "task.id", violate),
      attempt: readInteger(task["attempt"], 1, "task.attempt", violate),
      activityAttemptId: readString(task["activity_attempt_id"], "task.activity_attempt_id", violate),
      taskQueue: readString(task["task_queue"], "task.task_queue", violate),
      handler: readString(task["handler"], "task.handler", violate),
      connection: readNullableString(task["connection"], "task.connection", violate),
      externalExecutor: readNullableObject(task["external_executor"] ?? null, "task.external_executor", violate),
      idempotencyKey: readString(task["idempotency_key"], "task.idempotency_key", violate),
    },
    workflow: {
      id: readString(workflow["id"], "workflow.id", violate),
      runId: readString(workflow["run_id"], "workflow.run_id", violate),
    },
    lease: readLease(document, violate),
    arguments: readArguments(document, violate),
    deadlines: {
      scheduleToStart: readNullableString(deadlines["schedule_to_start"], "deadlines.schedule_to_start", violate),
      startToClose: readNullableString(deadlines["start_to_close"], "deadlines.start_to_close", violate),
      scheduleToClose: readNullableString(deadlines["schedule_to_close"], "deadlines.schedule_to_close", violate),
      heartbeat: readNullableString(deadlines["heartbeat"], "deadlines.heartbeat", violate),
    },
    headers: readHeaders(document, violate),
  };
}

function readWorkflowTask(document: JsonObject, task: JsonObject, violate: Violate): WorkflowTaskInput {
  const workflow = readObject(document["workflow"], "workflow", violate);
  const history = readObject(document["history"], "history", violate);
  return {
    kind: "workflow_task",
    task: {
      id: readString(task["id"], "task.id", violate),
      attempt: readInteger(task["attempt"], 1, "task.attempt", violate),
      taskQueue: readString(task["task_queue"], "task.task_queue", violate),
      handler: readNullableString(task["handler"], "task.handler", violate),
      connection: readNullableString(task["connection"], "task.connection", violate),
      compatibility: readNullableString(task["compatibility"], "task.compatibility", violate),
      idempotencyKey: readString(task["idempotency_key"], "task.idempotency_key", violate),
    },
    workflow: {
      id: readString(workflow["id"], "workflow.id", violate),
      runId: readString(workflow["run_id"], "workflow.run_id", violate),
      status: readNullableString(workflow["status"], "workflow.status", violate),
      resume: readObject(workflow["resume"], "workflow.resume", violate),
    },
    lease: readLease(document, violate),
    arguments: readArguments(document, violate),
    history: {
      events: readList(history["events"], "history.events", violate),
      lastSequence: readInteger(history["last_sequence"], Number.MIN_SAFE_INTEGER, "history.last_sequence", violate),
      nextPageToken: readNullableString(history["next_page_token"], "history.next_page_token", violate),
      encoding: readNullableString(history["encoding"], "history.encoding", violate),
    },
    headers: readHeaders(document, violate),
  };
}

function readLease(document: JsonObject, violate: Violate): TaskLease {
  const lease = readObject(document["lease"], "lease", violate);
  // Hints that no engine knows of: an odd one is none, and no reason to drop the task.
  const { renewed_by: renewedBy, sent_at: sentAt } = lease;
  return {
    owner: readString(lease["owner"], "lease.owner", violate),
    expiresAt: readString(lease["expires_at"], "lease.expires_at", violate),
    heartbeatEndpoint: readString(lease["heartbeat_endpoint"], "lease.heartbeat_endpoint", violate),
    renewedBy: typeof renewedBy === "string" ? renewedBy : null,
    sentAt: typeof sentAt === "string" && parseTimestamp(sentAt) !== undefined ? sentAt : null,
  };
}

function readArguments(document: JsonObject, violate: Violate): JsonObject | null {
  const payloads = readObject(document["payloads"], "payloads", violate);
  return readNullableObject(payloads["arguments"], "payloads.arguments", violate);
}

function readHeaders(document: JsonObject, violate: Violate): JsonObject {
  const headers = document["headers"];
  if (Array.isArray(headers) && headers.length === 0) return NOTHING;
  return readObject(headers, "headers", violate);
}
