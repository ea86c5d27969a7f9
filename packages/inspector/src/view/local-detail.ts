import type {
  InspectedAttempt,
  InspectedDetail,
  InspectedPayload,
  RetryPolicyWire,
} from "@durable-workflow/engine-protocol/control";
import { PAYLOAD_REFERENCE_SCHEMA } from "@durable-workflow/engine-protocol/external-payloads";
import type { ActivityDetail, ActivityOptions, Attempt, Deadline } from "../api/index.js";
import { microsOf, secondsBetween } from "../time.js";
import { failureOf } from "./failure.js";
import { rowOf } from "./local-row.js";
import { NO_PAYLOAD, payloadOf, type Told } from "./payload.js";
import { progressOf } from "./progress.js";
import { type Surroundings, whyWaiting } from "./why-waiting.js";

/** One activity of a local engine. */
export function localDetail(
  told: InspectedDetail,
  around: Pick<Surroundings, "workers" | "queued" | "drainingSince">,
): ActivityDetail {
  const row = rowOf(told.activity, told.as_of);
  const options = optionsOf(told.retry_policy);
  const scope = { maxAttempts: options.maxAttempts, nonRetryableErrorTypes: options.nonRetryableErrorTypes };
  const attempts = withWaits(
    told.attempts.map((attempt) => attemptOf(attempt, scope)),
    told,
  );
  const failure = told.failure === null ? null : failureOf(told.failure, { ...scope, attempt: row.attempt ?? 1 });
  return {
    asOf: told.as_of,
    row,
    namespace: told.namespace,
    options,
    input: payloadOf(toldOfInspected(told.input)),
    result: row.status === "succeeded" ? payloadOf(toldOfInspected(told.result)) : NO_PAYLOAD,
    failure,
    attempts,
    attemptsLeftOut: Math.max(0, (attempts[0]?.number ?? 1) - 1),
    deadlines: deadlinesOf(told),
    waiting: whyWaiting(row, { asOf: told.as_of, attempts, ...around }),
    runs: told.runs.map((run) => ({
      runId: run.run_id,
      status: run.standing,
      startedAt: run.started_at,
      closedAt: run.closed_at,
    })),
    gaps: [],
  };
}

export function toldOfInspected(payload: InspectedPayload | null): Told | undefined {
  if (payload === null) return undefined;
  const { codec, blob, size_bytes: length, reference_id: referenceId, sha256 } = payload;
  if (blob !== null) return { codec, blob };
  if (referenceId === null || sha256 === null) return { codec, length };
  const reference = referenceTo(referenceId, length, sha256);
  return { codec, reference };
}

function referenceTo(
  reference_id: string,
  size_bytes: number,
  sha256: string,
): Extract<Told, { reference: object }>["reference"] {
  return { schema: PAYLOAD_REFERENCE_SCHEMA, reference_id, codec: "avro", size_bytes, sha256 };
}

export function optionsOf(policy: Partial<RetryPolicyWire>): ActivityOptions {
  return {
    maxAttempts: policy.max_attempts ?? null,
    backoffSeconds: policy.backoff_seconds ?? [],
    nonRetryableErrorTypes: policy.non_retryable_error_types ?? [],
    startToCloseSeconds: policy.start_to_close_timeout ?? null,
    scheduleToStartSeconds: policy.schedule_to_start_timeout ?? null,
    scheduleToCloseSeconds: policy.schedule_to_close_timeout ?? null,
    heartbeatSeconds: policy.heartbeat_timeout ?? null,
  };
}

const STATUS: Readonly<Record<InspectedAttempt["status"], Attempt["status"]>> = {
  running: "running",
  completed: "succeeded",
  failed: "failed",
  timed_out: "timed_out",
  expired: "expired",
  cancelled: "cancelled",
};

function attemptOf(
  told: InspectedAttempt,
  scope: { readonly maxAttempts: number | null; readonly nonRetryableErrorTypes: readonly string[] },
): Attempt {
  return {
    number: told.number,
    id: told.attempt_id,
    taskId: told.task_id,
    status: STATUS[told.status],
    availableAt: told.available_at,
    startedAt: told.started_at,
    closedAt: told.closed_at,
    worker: told.lease_owner,
    leaseExpiresAt: told.lease_expires_at,
    heartbeats: told.heartbeats.map(({ at, progress }) => ({ at, progress: progressOf(progress) })),
    lastHeartbeatAt: told.last_heartbeat_at,
    progress: progressOf(told.progress),
    failure: told.failure === null ? null : failureOf(told.failure, { ...scope, attempt: told.number }),
    backoffSeconds: null,
  };
}

/** With the waits between them, and those that nobody took in time. */
function withWaits(attempts: readonly Attempt[], { activity }: InspectedDetail): readonly Attempt[] {
  const all: Attempt[] = [];
  for (const attempt of attempts) {
    const before = all.at(-1);
    for (let number = (before?.number ?? attempt.number - 1) + 1; number < attempt.number; number++)
      all.push(waitedOut(number));
    all.push(attempt);
  }
  if (activity.closed_at !== null) {
    for (let number = (all.at(-1)?.number ?? 0) + 1; number <= activity.attempt_count; number++) {
      all.push({ ...waitedOut(number), closedAt: activity.closed_at });
    }
  }
  const isWaiting = activity.standing === "retrying";
  return all.map((attempt, index) => {
    const until = all[index + 1]?.availableAt ?? (isWaiting && index === all.length - 1 ? activity.available_at : null);
    return Object.assign({}, attempt, { backoffSeconds: secondsBetween(attempt.closedAt, until) ?? null });
  });
}

/** A time in which no worker came: it counts as an attempt. */
function waitedOut(number: number): Attempt {
  return {
    number,
    id: null,
    taskId: null,
    status: "waited_out",
    availableAt: null,
    startedAt: null,
    closedAt: null,
    worker: null,
    leaseExpiresAt: null,
    heartbeats: [],
    lastHeartbeatAt: null,
    progress: null,
    failure: null,
    backoffSeconds: null,
  };
}

function deadlinesOf({ activity }: InspectedDetail): readonly Deadline[] {
  if (activity.closed_at !== null) return [];
  const isLeased = activity.standing === "running" || activity.standing === "stalled";
  const all: readonly (readonly [Deadline["kind"], string | null])[] = [
    ["schedule_to_start", activity.attempt_count === 0 ? activity.schedule_to_start_deadline_at : null],
    ["start_to_close", isLeased ? activity.start_to_close_deadline_at : null],
    ["schedule_to_close", activity.schedule_to_close_deadline_at],
    ["heartbeat", isLeased ? activity.heartbeat_deadline_at : null],
    ["lease", isLeased ? activity.lease_expires_at : null],
  ];
  return all
    .flatMap(([kind, at]) => (at === null ? [] : [{ kind, at }]))
    .toSorted((one, other) => (microsOf(one.at) ?? 0) - (microsOf(other.at) ?? 0));
}
