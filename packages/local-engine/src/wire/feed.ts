import type { FeedEvent } from "../service/feed.js";
import { timestamp } from "./time.js";

/** One step of an activity as a server-sent event. Payloads are not part of it. */
export function feedEventToWire({ type, at, run }: FeedEvent): string {
  const { state } = run;
  const data = {
    at: timestamp(at),
    namespace: run.namespace,
    activity_id: run.activityId,
    workflow_run_id: run.runId,
    activity_type: run.activityType,
    task_queue: run.taskQueue,
    status: state.status,
    activity_status: state.activityStatus,
    closed_reason: state.closedReason,
    attempt_count: state.attemptCount,
    task_id: state.task.id,
    lease_owner: state.task.leaseOwner,
  };
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
