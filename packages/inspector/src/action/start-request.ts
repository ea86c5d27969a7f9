import { at, isObject } from "@durable-workflow/engine-protocol";
import type { ActivityDescription, HistoryEvent, StartRequest } from "@durable-workflow/engine-protocol/control";
import type { ActivityOptions } from "../api/index.js";
import { optionsOf } from "../view/local-detail.js";

/** What is sent to start an activity, but for its arguments. What is not given is left out. */
export function startRequest(given: {
  readonly type: string;
  readonly queue: string;
  readonly id?: string | undefined;
  readonly businessKey?: string | null | undefined;
  readonly options: Partial<ActivityOptions>;
}): StartRequest {
  const { type, queue, id, businessKey, options } = given;
  const { maxAttempts, backoffSeconds, nonRetryableErrorTypes } = options;
  const seconds = {
    start_to_close_timeout_seconds: options.startToCloseSeconds,
    schedule_to_start_timeout_seconds: options.scheduleToStartSeconds,
    schedule_to_close_timeout_seconds: options.scheduleToCloseSeconds,
    heartbeat_timeout_seconds: options.heartbeatSeconds,
  };
  const timeouts = Object.fromEntries(
    Object.entries(seconds).filter(([, value]) => value !== null && value !== undefined),
  );
  const policy = {
    ...(maxAttempts === null || maxAttempts === undefined ? {} : { max_attempts: maxAttempts }),
    ...(backoffSeconds === undefined || backoffSeconds.length === 0 ? {} : { backoff_seconds: backoffSeconds }),
    ...(nonRetryableErrorTypes === undefined || nonRetryableErrorTypes.length === 0
      ? {}
      : { non_retryable_error_types: nonRetryableErrorTypes }),
  };
  return {
    activity_type: type,
    task_queue: queue,
    ...(id === undefined || id === "" ? {} : { activity_id: id }),
    ...(businessKey === undefined || businessKey === null || businessKey === "" ? {} : { business_key: businessKey }),
    ...(Object.keys(policy).length === 0 ? {} : { retry_policy: policy }),
    ...(timeouts as object),
  };
}

/** The options that an activity was started with, as its history tells them. */
export function optionsIn(events: readonly HistoryEvent[]): Partial<ActivityOptions> {
  const policy = at(scheduledIn(events), "retry_policy");
  return isObject(policy) ? optionsOf(policy) : {};
}

function scheduledIn(events: readonly HistoryEvent[]): unknown {
  return at(events.find(({ event_type: type }) => type === "ActivityScheduled")?.payload ?? {}, "activity");
}

/** Of the run itself: a later one of the same id may have another type. */
export function typesIn(
  events: readonly HistoryEvent[],
  description: ActivityDescription,
): { readonly type: string; readonly queue: string; readonly businessKey: string | null } {
  const activity = scheduledIn(events);
  const started = events.find(({ event_type: type }) => type === "WorkflowStarted")?.payload ?? {};
  const key = at(started, "business_key");
  return {
    type: textOr(at(activity, "type"), description.activity_type),
    queue: textOr(at(activity, "queue"), description.task_queue),
    businessKey: typeof key === "string" ? key : description.business_key,
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}
