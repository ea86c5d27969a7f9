import {
  type ContractViolation,
  describeReceived,
  type JsonObject,
  parseTimestamp,
} from "@durable-workflow/carrier/protocol";
import type { RetryPolicyWire } from "../control/retry-policy.js";
import { fieldOf, integerField, isObject, textField } from "../fields.js";
import type { PolledMapping } from "./external-executor.js";
import { readTraceContext } from "./trace-context.js";

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
  /** When the lease began by the engine's clock, cut off to seconds or not; null where the task does not say. */
  readonly leaseGrantedAtMs: number | null;
  /** As sent; null where none was set. */
  readonly deadlines: Readonly<Record<DeadlineName, string | null>>;
  /** How often the engine wants to hear of the attempt; null for never. */
  readonly heartbeatTimeoutMs: number | null;
  /** The payload envelope of the arguments, not decoded; null for none. */
  readonly arguments: JsonObject | null;
  /** The engine's own mapping; null for none. */
  readonly externalExecutor: JsonObject | null;
  /** What the engine wants passed on to the handler, valid trace context included. */
  readonly headers: JsonObject;
  /** Id of the worker session that the task belongs to; empty where the session has none, null without a session. */
  readonly workerSession: string | null;
  /**
   * When the work must be over by the engine's clock, in milliseconds: the earliest of `start_to_close`, `schedule_to_close`,
   * `run` and `execution`; null for never.
   */
  readonly closesAtMs: number | null;
  /** The retry policy, as sent (`readRetryRule`); null for none: no other attempt follows a failure. */
  readonly retryPolicy: JsonObject | null;
}

/** The deadlines that a task may have, as tasks name them. */
export const DEADLINE_NAMES = ["schedule_to_start", "start_to_close", "schedule_to_close", "heartbeat"] as const;
/** The name of a deadline of a task. */
export type DeadlineName = (typeof DEADLINE_NAMES)[number];

/** The deadlines that a task has, as RFC 3339 timestamps. */
export type TaskDeadlines = Partial<Readonly<Record<DeadlineName, string>>>;

/** The task of a poll's answer, as it is sent. Fields without a value are absent, not null. */
export interface PolledTask {
  readonly task_id: string;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly activity_execution_id?: string;
  readonly activity_attempt_id: string;
  /** Stable over all attempts. */
  readonly idempotency_key?: string;
  readonly attempt_number: number;
  readonly activity_type: string;
  readonly payload_codec: string;
  /** A payload envelope; passed on as it is. */
  readonly arguments?: unknown;
  readonly retry_policy?: RetryPolicyWire;
  readonly task_queue: string;
  readonly connection?: string;
  readonly lease_owner: string | null;
  readonly lease_expires_at: string | null;
  readonly deadlines?: TaskDeadlines;
  /** An engine's own mapping; whoever reads it expects less ({@link PolledMapping}). */
  readonly external_executor?: PolledMapping | JsonObject;
  readonly headers?: JsonObject;
  readonly traceparent?: string;
  /** Trace context: not trusted, and nothing depends on it. */
  readonly observability_context?: unknown;
  /** The session that the task belongs to, where workers have registered for such. */
  readonly worker_session?: JsonObject;
}

/** What is wrong with a task, and the identity it can be reported under when there is one. */
export interface UnreadableTask {
  /** At least one; paths begin at the task. */
  readonly violations: readonly ContractViolation[];
  readonly identity: AttemptIdentity | null;
  readonly task?: never;
}

/** A task that was read, or what is wrong with it. */
export type ReadTask = { readonly task: LeasedTask; readonly violations?: never } | UnreadableTask;

/** Reads the task of a poll answer, and says of every field that it needs what is wrong with it. */
export function readLeasedTask(namespace: string, document: JsonObject): ReadTask {
  const violations: ContractViolation[] = [];
  const expect = <Value>(field: keyof PolledTask, expected: string, value: Value | undefined): Value | undefined => {
    if (value === undefined) violations.push({ path: field, expected, received: describeReceived(document[field]) });
    return value;
  };
  const text = (field: keyof PolledTask): string | undefined => expect(field, "a string", textField(document, field));
  const taskId = text("task_id");
  const attemptId = text("activity_attempt_id");
  const leaseOwner = text("lease_owner");
  const identity =
    taskId === undefined || attemptId === undefined || leaseOwner === undefined
      ? null
      : { namespace, taskId, attemptId, leaseOwner };
  const attempt = expect("attempt_number", "an integer >= 1", atLeastOne(integerField(document, "attempt_number")));
  const activityType = text("activity_type");
  const taskQueue = text("task_queue");
  const workflowId = text("workflow_id");
  const runId = text("run_id");
  const leaseExpiresAt = textField(document, "lease_expires_at");
  const leaseExpiresAtMs = expect(
    "lease_expires_at",
    "an RFC 3339 timestamp",
    leaseExpiresAt === undefined ? undefined : parseTimestamp(leaseExpiresAt),
  );
  const given = fieldOf(document, "arguments") ?? null;
  const args = expect("arguments", "an object", given === null || isObject(given) ? given : undefined);
  if (
    identity === null ||
    attempt === undefined ||
    activityType === undefined ||
    taskQueue === undefined ||
    workflowId === undefined ||
    runId === undefined ||
    leaseExpiresAt === undefined ||
    leaseExpiresAtMs === undefined ||
    args === undefined
  ) {
    return { violations, identity };
  }
  const executor = fieldOf(document, "external_executor");
  const policy = fieldOf(document, "retry_policy");
  const timeout = integerField(policy, "heartbeat_timeout");
  const deadlines = readDeadlines(fieldOf(document, "deadlines"));
  return {
    task: {
      // Written out: on Node 20 a copy that gets further properties costs microseconds.
      namespace: identity.namespace,
      taskId: identity.taskId,
      attemptId: identity.attemptId,
      leaseOwner: identity.leaseOwner,
      executionId: textField(document, "activity_execution_id") ?? null,
      attempt,
      activityType,
      taskQueue,
      connection: textField(document, "connection") ?? null,
      workflowId,
      runId,
      leaseExpiresAt,
      leaseExpiresAtMs,
      leaseGrantedAtMs: grantedAtMs(deadlines, policy),
      deadlines,
      heartbeatTimeoutMs: timeout === undefined || timeout <= 0 ? null : timeout * 1000,
      arguments: args,
      externalExecutor: isObject(executor) ? executor : null,
      headers: readHeaders(document),
      workerSession: readSession(document),
      closesAtMs: readClosesAt(fieldOf(document, "deadlines")),
      retryPolicy: isObject(policy) ? policy : null,
    },
  };
}

function atLeastOne(value: number | undefined): number | undefined {
  return value !== undefined && value >= 1 ? value : undefined;
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

/** Both of these deadlines are counted from the start of the attempt. */
function grantedAtMs(deadlines: LeasedTask["deadlines"], policy: unknown): number | null {
  for (const name of ["start_to_close", "heartbeat"] as const) {
    const deadline = deadlines[name];
    const at = deadline === null ? undefined : parseTimestamp(deadline);
    const seconds = integerField(policy, name === "heartbeat" ? "heartbeat_timeout" : "start_to_close_timeout");
    if (at !== undefined && seconds !== undefined && seconds > 0) return at - seconds * 1000;
  }
  return null;
}

/** Trace context is passed on as the engine has it, wherever in the task that is. */
function readHeaders(document: JsonObject): JsonObject {
  const headers = fieldOf(document, "headers");
  const traceparent = textField(document, "traceparent");
  const own = isObject(headers) ? headers : {};
  if (traceparent !== undefined) return { ...own, traceparent };
  // The two parts of a trace context belong together.
  if (Object.hasOwn(own, "traceparent")) return own;
  const context = readTraceContext(fieldOf(document, "observability_context"));
  return own === headers ? { ...own, ...context } : { ...context };
}

function readSession(document: JsonObject): string | null {
  const session = fieldOf(document, "worker_session");
  return isObject(session) ? (textField(session, "session_id") ?? "") : null;
}

function readClosesAt(deadlines: unknown): number | null {
  let earliest: number | null = null;
  for (const name of ["start_to_close", "schedule_to_close", "run", "execution"]) {
    const text = textField(deadlines, name);
    const at = text === undefined ? undefined : parseTimestamp(text);
    if (at !== undefined && (earliest === null || at < earliest)) earliest = at;
  }
  return earliest;
}

const EXACT_TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

/**
 * A time in the one form that counts where leases are renewed, UTC with six digits, in milliseconds; undefined for any other
 * text or value.
 */
export function exactTimestamp(value: unknown): number | undefined {
  return typeof value === "string" && EXACT_TIMESTAMP.test(value) ? parseTimestamp(value) : undefined;
}

/** Milliseconds of the engine's clock at which a deadline passes; undefined when there is none that can be read. */
export function deadlineMs(task: LeasedTask, name: DeadlineName): number | undefined {
  const text = task.deadlines[name];
  return text === null ? undefined : parseTimestamp(text);
}
