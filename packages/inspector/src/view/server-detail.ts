import { at, isObject, numberAt, textAt } from "@durable-workflow/engine-protocol";
import type {
  ActivityDescription,
  DescribedFailure,
  HistoryEvent,
  ListedActivity,
  RetryPolicyWire,
} from "@durable-workflow/engine-protocol/control";
import type { ActivityDetail, Attempt, Deadline } from "../api/index.js";
import { secondsBetween } from "../time.js";
import { type FailureScope, failureOf } from "./failure.js";
import { optionsOf } from "./local-detail.js";
import { NO_PAYLOAD, payloadOf, type Told, toldOf } from "./payload.js";
import { progressOf } from "./progress.js";
import { serverRow } from "./server-row.js";
import { type Surroundings, whyWaiting } from "./why-waiting.js";

const MOST_HEARTBEATS = 200;
const MOST_ATTEMPTS = 100;

/** One activity of a server, put together from its description and its history. */
export function serverDetail(
  description: ActivityDescription,
  history: { readonly events: readonly HistoryEvent[]; readonly isWhole: boolean },
  around: Pick<Surroundings, "workers">,
  asOf: string,
): ActivityDetail {
  const { events, isWhole } = history;
  const options = optionsOf(policyOf(events));
  const scope = { maxAttempts: options.maxAttempts, nonRetryableErrorTypes: options.nonRetryableErrorTypes };
  const all = attemptsOf(events, scope);
  const attempts = all.slice(-MOST_ATTEMPTS);
  const base = serverRow(listedOf(description), asOf);
  const failed = events.findLast(({ event_type: type }) => FAILURES.has(type));
  const last = attempts.at(-1);
  const row = {
    ...base,
    attempt: description.attempt_count,
    maxAttempts: options.maxAttempts,
    worker: base.worker ?? (base.status === "running" ? (last?.worker ?? null) : null),
    lastHeartbeatAt: description.last_heartbeat_at,
    progress: base.progress ?? last?.progress ?? null,
    next: nextOf(base.next, base.status === "retrying" ? retryAt(events) : undefined, asOf),
  };
  return {
    asOf,
    row,
    namespace: description.namespace,
    options,
    input: payloadOf(inputOf(events)),
    result: description.status === "completed" ? payloadOf(toldOf(description.result)) : NO_PAYLOAD,
    failure:
      row.status === "failed" && failed !== undefined
        ? failureOf(failureIn(failed), { ...scope, attempt: description.attempt_count })
        : null,
    attempts,
    attemptsLeftOut: all.length - attempts.length,
    deadlines: deadlinesOf(description),
    waiting: whyWaiting(row, { asOf, attempts, queued: undefined, drainingSince: null, ...around }),
    runs: [],
    gaps: isWhole ? [] : ["Its history is long: the newest events are not part of this view."],
  };
}

function listedOf(description: ActivityDescription): ListedActivity & { readonly closed_reason: string | null } {
  return { ...description, status_bucket: description.status === "running" ? "running" : "failed" };
}

function nextOf(
  known: ActivityDetail["row"]["next"],
  retry: string | undefined,
  asOf: string,
): ActivityDetail["row"]["next"] {
  if (retry === undefined || (secondsBetween(asOf, retry) ?? 0) <= 0) return known;
  return { at: retry, what: "retry" };
}

function scheduled(events: readonly HistoryEvent[]): unknown {
  return at(events.find(({ event_type: type }) => type === "ActivityScheduled")?.payload ?? {}, "activity");
}

function policyOf(events: readonly HistoryEvent[]): Partial<RetryPolicyWire> {
  const policy = at(scheduled(events), "retry_policy");
  return isObject(policy) ? policy : {};
}

/** The arguments, as a history tells them. */
export function inputOf(events: readonly HistoryEvent[]): Told | undefined {
  const accepted = events.find(({ event_type: type }) => type === "StartAccepted")?.payload ?? {};
  return toldOf(at(scheduled(events), "arguments") ?? at(accepted, "command", "payload"));
}

const ENDINGS: Readonly<Record<string, Attempt["status"]>> = {
  ActivityCompleted: "succeeded",
  ActivityFailed: "failed",
  ActivityTimedOut: "timed_out",
  ActivityRetryScheduled: "failed",
  ActivityCancelled: "cancelled",
  WorkflowCancelled: "cancelled",
  WorkflowTerminated: "cancelled",
};
const FAILURES: ReadonlySet<string> = new Set(["ActivityFailed", "ActivityTimedOut"]);

type OpenAttempt = { -readonly [Key in keyof Attempt]: Attempt[Key] } & { heartbeats: Attempt["heartbeats"][number][] };

function attemptsOf(events: readonly HistoryEvent[], scope: Omit<FailureScope, "attempt">): readonly Attempt[] {
  const attempts: OpenAttempt[] = [];
  let availableAt = events.find(({ event_type: type }) => type === "ActivityScheduled")?.timestamp ?? null;
  for (const { event_type: type, timestamp, payload } of events) {
    const last = attempts.at(-1);
    if (type === "ActivityStarted") {
      // Nothing is recorded when a lease runs out, but that the task went to somebody else.
      if (last?.status === "running") Object.assign(last, { status: "expired", closedAt: timestamp });
      attempts.push({
        number: numberAt(payload, "attempt_number") ?? attempts.length + 1,
        id: textAt(payload, "activity_attempt_id") ?? null,
        taskId: textAt(payload, "task", "id") ?? null,
        status: "running",
        availableAt,
        startedAt: timestamp,
        closedAt: null,
        worker: textAt(payload, "task", "lease_owner") ?? null,
        leaseExpiresAt: null,
        heartbeats: [],
        lastHeartbeatAt: null,
        progress: null,
        failure: null,
        backoffSeconds: null,
      });
      availableAt = null;
      continue;
    }
    if (last?.status !== "running") continue;
    if (type === "ActivityHeartbeatRecorded") {
      const progress = progressOf(at(payload, "progress"));
      last.lastHeartbeatAt = timestamp;
      last.progress = progress ?? last.progress;
      if (last.heartbeats.length < MOST_HEARTBEATS) last.heartbeats.push({ at: timestamp, progress });
    }
    const ending = ENDINGS[type];
    if (ending === undefined) continue;
    const event = { event_type: type, timestamp, payload, sequence: 0 };
    const isFailure = ending === "failed" || ending === "timed_out";
    const failure = isFailure ? failureIn(event) : undefined;
    Object.assign(last, {
      status: failure?.failure_category === "timeout" ? "timed_out" : ending,
      closedAt: timestamp,
      failure: failure === undefined ? null : failureOf(failure, { ...scope, attempt: last.number }),
    });
    if (type === "ActivityRetryScheduled") {
      last.backoffSeconds = numberAt(payload, "retry_backoff_seconds") ?? null;
      availableAt = textAt(payload, "retry_available_at") ?? null;
    }
  }
  return attempts;
}

function retryAt(events: readonly HistoryEvent[]): string | undefined {
  const event = events.findLast(({ event_type: type }) => type === "ActivityRetryScheduled");
  return event === undefined ? undefined : textAt(event.payload, "retry_available_at");
}

/** The failure that an event of a history tells of. */
function failureIn({ payload }: HistoryEvent): DescribedFailure {
  const exception = at(payload, "exception");
  const codec = textAt(exception, "details_payload_codec");
  const details = at(exception, "details") ?? null;
  const kind = textAt(payload, "timeout_kind") ?? textAt(exception, "timeout_type") ?? null;
  const isTimeout = kind !== null || textAt(payload, "failure_category") === "timeout";
  return {
    failure_category: isTimeout ? "timeout" : "activity",
    message: textAt(payload, "message") ?? "no reason was given",
    type: textAt(payload, "exception_type") ?? textAt(exception, "type") ?? null,
    non_retryable: at(payload, "non_retryable") === true || at(exception, "non_retryable") === true,
    timeout_type: kind,
    stack_trace: textAt(exception, "stack_trace") ?? textAt(payload, "stack_trace") ?? null,
    details: codec !== undefined && typeof details === "string" ? { codec, blob: details } : details,
  };
}

function deadlinesOf(description: ActivityDescription): readonly Deadline[] {
  if (description.status !== "running") return [];
  const { schedule_to_start_deadline_at: start, schedule_to_close_deadline_at: close } = description;
  return [
    ...(start === null || description.attempt_count > 0 ? [] : [{ kind: "schedule_to_start" as const, at: start }]),
    ...(close === null ? [] : [{ kind: "schedule_to_close" as const, at: close }]),
  ];
}
