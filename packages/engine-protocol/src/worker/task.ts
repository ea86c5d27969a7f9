import { type JsonObject, parseTimestamp } from "@durable-workflow/carrier/protocol";
import { fieldOf, integerField, isObject, textField } from "../fields.js";

/** What a report to the engine must name. */
export interface AttemptIdentity {
  readonly namespace: string;
  readonly taskId: string;
  /** Compared byte for byte. */
  readonly attemptId: string;
  readonly leaseOwner: string;
}

/** A task as leased: one attempt of an activity. */
export interface LeasedTask extends AttemptIdentity {
  /** Stable over all attempts; null where the engine does not say. */
  readonly executionId: string | null;
  /** From 1. Counts lease-expiry redeliveries too. */
  readonly attempt: number;
  readonly activityType: string;
  readonly taskQueue: string;
  readonly connection: string | null;
  readonly workflowId: string;
  readonly runId: string;
  /** As sent, and in milliseconds of the engine's clock. */
  readonly leaseExpiresAt: string;
  readonly leaseExpiresAtMs: number;
  /** As sent; null where none was set. */
  readonly deadlines: Readonly<Record<DeadlineName, string | null>>;
  /** How often the engine wants to hear of the attempt; null for never. */
  readonly heartbeatTimeoutMs: number | null;
  /** The payload envelope of the arguments, not decoded; null for none. */
  readonly arguments: JsonObject | null;
  /** The engine's own mapping; null for none. */
  readonly externalExecutor: JsonObject | null;
  /** What the engine wants passed on to the handler. */
  readonly headers: JsonObject;
}

export const DEADLINE_NAMES = ["schedule_to_start", "start_to_close", "schedule_to_close", "heartbeat"] as const;
export type DeadlineName = (typeof DEADLINE_NAMES)[number];

/** A task that was read, or what is wrong with it, and the identity it can be reported under when there is one. */
export type ReadTask =
  | { readonly task: LeasedTask; readonly problem?: never }
  | { readonly problem: string; readonly identity: AttemptIdentity | null; readonly task?: never };

/** Reads the task of a poll answer. Fields without a value are absent there, not null. */
export function readLeasedTask(namespace: string, document: JsonObject): ReadTask {
  const taskId = textField(document, "task_id");
  const attemptId = textField(document, "activity_attempt_id");
  const leaseOwner = textField(document, "lease_owner");
  if (taskId === undefined || attemptId === undefined || leaseOwner === undefined) {
    return { problem: "task_id, activity_attempt_id and lease_owner must be strings", identity: null };
  }
  const identity: AttemptIdentity = { namespace, taskId, attemptId, leaseOwner };
  const attempt = integerField(document, "attempt_number");
  const activityType = textField(document, "activity_type");
  const taskQueue = textField(document, "task_queue");
  const workflowId = textField(document, "workflow_id");
  const runId = textField(document, "run_id");
  const leaseExpiresAt = textField(document, "lease_expires_at");
  const leaseExpiresAtMs = leaseExpiresAt === undefined ? undefined : parseTimestamp(leaseExpiresAt);
  if (attempt === undefined || attempt < 1) return { problem: "attempt_number must be an integer >= 1", identity };
  if (activityType === undefined) return { problem: "activity_type must be a string", identity };
  if (taskQueue === undefined) return { problem: "task_queue must be a string", identity };
  if (workflowId === undefined || runId === undefined) {
    return { problem: "workflow_id and run_id must be strings", identity };
  }
  if (leaseExpiresAt === undefined || leaseExpiresAtMs === undefined) {
    return { problem: "lease_expires_at must be an RFC 3339 timestamp", identity };
  }
  const args = fieldOf(document, "arguments") ?? null;
  if (args !== null && !isObject(args)) return { problem: "arguments must be an object", identity };
  const executor = fieldOf(document, "external_executor");
  const timeout = integerField(fieldOf(document, "retry_policy"), "heartbeat_timeout");
  return {
    task: {
      ...identity,
      executionId: textField(document, "activity_execution_id") ?? null,
      attempt,
      activityType,
      taskQueue,
      connection: textField(document, "connection") ?? null,
      workflowId,
      runId,
      leaseExpiresAt,
      leaseExpiresAtMs,
      deadlines: readDeadlines(fieldOf(document, "deadlines")),
      heartbeatTimeoutMs: timeout === undefined || timeout <= 0 ? null : timeout * 1000,
      arguments: args,
      externalExecutor: isObject(executor) ? executor : null,
      headers: readHeaders(document),
    },
  };
}

function readDeadlines(document: unknown): LeasedTask["deadlines"] {
  const read = (name: DeadlineName): string | null => textField(document, name) ?? null;
  return {
    // The contract's own names.
    schedule_to_start: read("schedule_to_start"),
    start_to_close: read("start_to_close"),
    schedule_to_close: read("schedule_to_close"),
    heartbeat: read("heartbeat"),
  };
}

/** Trace context is passed on as the engine has it, wherever in the task that is. */
function readHeaders(document: JsonObject): JsonObject {
  const headers = fieldOf(document, "headers");
  const traceparent = textField(document, "traceparent");
  return { ...(isObject(headers) ? headers : {}), ...(traceparent === undefined ? {} : { traceparent }) };
}

/** Milliseconds of the engine's clock at which a deadline passes; undefined when there is none that can be read. */
export function deadlineMs(task: LeasedTask, name: DeadlineName): number | undefined {
  const text = task.deadlines[name];
  return text === null ? undefined : parseTimestamp(text);
}
