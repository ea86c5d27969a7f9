import { LONGEST_NAME } from "@durable-workflow/engine-protocol";
import type { InspectedActivity } from "@durable-workflow/engine-protocol/control";
import type { ActivityRow } from "../api/index.js";
import { lineOf } from "../text.js";
import { earliest, microsOf } from "../time.js";
import { progressOf } from "./progress.js";

/** A line of the list. Its version is the instant at which the engine read it. */
export function rowOf(activity: InspectedActivity, asOf: string): ActivityRow {
  const isLeased = activity.standing === "running" || activity.standing === "stalled";
  return {
    id: activity.activity_id,
    runId: activity.run_id,
    key: activity.key,
    version: microsOf(asOf) ?? 0,
    type: activity.activity_type,
    queue: activity.task_queue,
    businessKey: activity.business_key,
    status: activity.standing,
    closedReason: activity.closed_reason,
    attempt: activity.attempt_count,
    maxAttempts: activity.max_attempts,
    startedAt: activity.started_at,
    closedAt: activity.closed_at,
    next: nextOf(activity, asOf),
    worker: isLeased || activity.closed_at !== null ? activity.lease_owner : null,
    lastHeartbeatAt: activity.last_heartbeat_at,
    progress: progressOf(activity.progress),
    failure:
      activity.failure === null
        ? null
        : {
            type: activity.failure.type === null ? null : lineOf(activity.failure.type, LONGEST_NAME),
            message: lineOf(activity.failure.message, 200),
          },
  };
}

/** What happens next by itself, if nobody does anything before. */
function nextOf(activity: InspectedActivity, asOf: string): ActivityRow["next"] {
  if (activity.closed_at !== null) return null;
  const waits = (microsOf(activity.available_at) ?? 0) > (microsOf(asOf) ?? 0);
  const { schedule_to_close_deadline_at: close, schedule_to_start_deadline_at: begin } = activity;
  const isLeased = activity.standing === "running" || activity.standing === "stalled";
  const instants = isLeased
    ? ([
        [activity.heartbeat_deadline_at, "heartbeat_due"],
        [activity.lease_expires_at, "lease_ends"],
        [activity.start_to_close_deadline_at, "deadline"],
        [close, "deadline"],
      ] as const)
    : ([
        [waits ? activity.available_at : null, "retry"],
        [activity.attempt_count === 0 ? begin : null, "deadline"],
        [close, "deadline"],
      ] as const);
  const at = earliest(...instants.map(([instant]) => instant));
  const what = instants.find(([instant]) => instant === at)?.[1];
  return at === undefined || what === undefined ? null : { at, what };
}
