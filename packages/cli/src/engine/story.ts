import { decodePayload, isPayloadError, type JsonValue, projectForJson } from "@durable-workflow/carrier/payload";
import type { ActivityDescription } from "@durable-workflow/client/tools";
import type { HistoryEvent } from "@durable-workflow/engine-protocol/control";

/** What became of an activity, told alike whichever engine keeps it. This is what `--json` prints. */
export interface ActivityStory {
  readonly id: string;
  readonly runId: string;
  readonly type: string;
  readonly taskQueue: string;
  readonly namespace: string;
  readonly businessKey: string | null;
  /** `running`, `completed`, `failed`, `timed_out`, `cancelled` or `terminated`. */
  readonly status: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly maxAttempts: number | null;
  /** As shown in JSON; null for an activity without arguments. */
  readonly arguments: JsonValue;
  /** Null unless it completed. */
  readonly result: JsonValue;
  readonly failure: FailureStory | null;
  readonly attempts: readonly AttemptStory[];
  /** What the last heartbeat said of how far it is. */
  readonly progress: Progress | null;
}

export interface AttemptStory {
  readonly attempt: number;
  /** `running`, `completed`, `failed`, `timed_out`, `cancelled`, `terminated`, or `lost`: its lease ran out. */
  readonly status: string;
  readonly worker: string | null;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly failure: FailureStory | null;
  readonly retryInSeconds: number | null;
}

export interface FailureStory {
  readonly type: string | null;
  readonly message: string;
  readonly category: string | null;
  readonly nonRetryable: boolean;
  readonly details: JsonValue;
  /** With those of its causes, as the handler's side wrote it; null where it wrote none, or the engine keeps none. */
  readonly stackTrace: string | null;
}

export interface Progress {
  readonly current: number | null;
  readonly total: number | null;
  readonly unit: string | null;
  readonly message: string | null;
}

/** Puts together what an engine says of an activity in its two places: the description, and the history of the run. */
export function tellStory(description: ActivityDescription, history: readonly HistoryEvent[]): ActivityStory {
  const attempts = withStackTraces(readAttempts(history), description.attempts);
  const scheduled = history.find(({ event_type: type }) => type === "ActivityScheduled")?.payload ?? {};
  const activity = objectOf(scheduled["activity"]);
  const { closed_reason: reason, status } = description;
  return {
    id: description.activity_id,
    runId: description.workflow_run_id,
    type: description.activity_type,
    taskQueue: description.task_queue,
    namespace: description.namespace,
    businessKey: description.business_key,
    status: status === "running" ? status : (reason ?? status),
    startedAt: description.started_at,
    closedAt: description.closed_at,
    maxAttempts: numberOf(objectOf(activity["retry_policy"])["max_attempts"]),
    arguments: decoded(activity["arguments"] ?? null),
    result: decoded(description.result),
    failure: withStackTrace(readFailureOf(history), description.failure),
    attempts,
    progress: progressOf(history.findLast(hasProgress)),
  };
}

/** Whether nothing more will happen to it. */
export function isClosed({ status }: Pick<ActivityStory, "status">): boolean {
  return status !== "running";
}

interface OpenAttempt extends AttemptStory {
  status: string;
  closedAt: string | null;
  failure: FailureStory | null;
  retryInSeconds: number | null;
}

const ENDINGS: Readonly<Record<string, string>> = {
  ActivityCompleted: "completed",
  ActivityFailed: "failed",
  ActivityTimedOut: "timed_out",
  ActivityRetryScheduled: "failed",
  ActivityCancelled: "cancelled",
  WorkflowCancelled: "cancelled",
  WorkflowTerminated: "terminated",
};

function readAttempts(history: readonly HistoryEvent[]): readonly AttemptStory[] {
  const attempts: OpenAttempt[] = [];
  for (const { event_type: type, timestamp, payload } of history) {
    const last = attempts.at(-1);
    if (type === "ActivityStarted") {
      // Nothing is recorded when a lease runs out, but that the task went to somebody else.
      if (last?.status === "running") [last.status, last.closedAt] = ["lost", timestamp];
      attempts.push({
        attempt: numberOf(payload?.["attempt_number"]) ?? attempts.length + 1,
        status: "running",
        worker: textOf(objectOf(payload?.["task"])["lease_owner"]),
        startedAt: timestamp,
        closedAt: null,
        failure: null,
        retryInSeconds: null,
      });
    }
    const ending = ENDINGS[type];
    if (ending === undefined || last?.status !== "running") continue;
    const failure = ending === "failed" || ending === "timed_out" ? readFailure(payload ?? {}) : null;
    last.status = failure?.category === "timeout" || isTimeout(payload) ? "timed_out" : ending;
    last.closedAt = timestamp;
    last.failure = failure;
    last.retryInSeconds =
      type === "ActivityRetryScheduled" ? (numberOf(payload?.["retry_backoff_seconds"]) ?? 0) : null;
  }
  return attempts;
}

/** A failure with what the description adds to it. */
function withStackTrace(failure: FailureStory | null, described: unknown): FailureStory | null {
  const stackTrace = textOf(objectOf(described)["stack_trace"]);
  return failure === null || stackTrace === null ? failure : { ...failure, stackTrace };
}

function withStackTraces(attempts: readonly AttemptStory[], described: unknown): readonly AttemptStory[] {
  const known = new Map(
    (Array.isArray(described) ? described : []).map((attempt: unknown) => {
      const { attempt_number: number, failure } = objectOf(attempt);
      return [number, failure];
    }),
  );
  return attempts.map((attempt) => {
    const failure = withStackTrace(attempt.failure, known.get(attempt.attempt));
    return failure === attempt.failure ? attempt : Object.assign({}, attempt, { failure });
  });
}

function isTimeout(payload: HistoryEvent["payload"]): boolean {
  return (textOf(payload?.["exception_class"]) ?? "").endsWith("ActivityTimeoutException");
}

/** What ended the run, where that was a failure. */
function readFailureOf(history: readonly HistoryEvent[]): FailureStory | null {
  const event =
    history.findLast(({ event_type: type }) => type === "ActivityFailed" || type === "ActivityTimedOut") ??
    history.findLast(({ event_type: type }) => type === "WorkflowFailed");
  return event === undefined ? null : readFailure(event.payload ?? {});
}

/** The failure that an event of the history tells of. */
export function readFailure(payload: Readonly<Record<string, unknown>>): FailureStory {
  const exception = objectOf(payload["exception"]);
  const codec = textOf(exception["details_payload_codec"]);
  const details = exception["details"] ?? null;
  return {
    type: textOf(payload["exception_type"]) ?? textOf(exception["type"]),
    message: textOf(payload["message"]) ?? "no reason was given",
    category: textOf(payload["failure_category"]),
    nonRetryable: payload["non_retryable"] === true || exception["non_retryable"] === true,
    stackTrace: textOf(exception["stack_trace"]) ?? textOf(payload["stack_trace"]),
    details: decoded(codec !== null && typeof details === "string" ? { codec, blob: details } : details),
  };
}

export function hasProgress({ payload }: HistoryEvent): boolean {
  return Object.keys(objectOf(payload?.["progress"])).length > 0;
}

export function progressOf(event: HistoryEvent | undefined): Progress | null {
  if (event === undefined) return null;
  const { current, total, unit, message } = objectOf(event.payload?.["progress"]);
  return { current: numberOf(current), total: numberOf(total), unit: textOf(unit), message: textOf(message) };
}

/** A payload as JSON shows it; what cannot be decoded as it came. */
function decoded(payload: unknown): JsonValue {
  if (payload === null || payload === undefined) return null;
  const envelope = typeof payload === "string" ? { codec: "avro", blob: payload } : payload;
  try {
    return projectForJson(decodePayload(envelope, { lossless: true }));
  } catch (error) {
    if (isPayloadError(error)) return payload as JsonValue;
    throw error;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
