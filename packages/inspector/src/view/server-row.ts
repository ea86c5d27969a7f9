import type { ListedActivity } from "@durable-workflow/engine-protocol/control";
import type { ActivityRow, StatusWord } from "../api/index.js";
import { microsOf } from "../time.js";
import { progressOf } from "./progress.js";

type Listed = ListedActivity & { readonly closed_reason?: string | null };

/** A line, as far as a server tells. */
export function serverRow(told: Listed, asOf: string): ActivityRow {
  const current = told.current_attempt ?? told.attempts?.at(-1) ?? null;
  const status = statusOf(told, asOf);
  const leaseEnds = status === "running" ? (current?.lease_expires_at ?? null) : null;
  return {
    id: told.activity_id,
    runId: told.workflow_run_id,
    key: null,
    version: microsOf(asOf) ?? 0,
    type: told.activity_type,
    queue: told.task_queue,
    businessKey: told.business_key,
    status,
    closedReason: told.status === "running" ? null : (told.closed_reason ?? told.status),
    attempt: told.attempt_count ?? null,
    maxAttempts: null,
    startedAt: told.started_at,
    closedAt: told.closed_at,
    next: leaseEnds === null ? null : { at: leaseEnds, what: "lease_ends" },
    worker: current?.lease_owner ?? null,
    lastHeartbeatAt: current?.last_heartbeat_at ?? null,
    progress: progressOf(current?.last_heartbeat_progress),
    failure: null,
  };
}

/** What can be told of where it stands: of those that are open, only newer servers say whether somebody has it. */
export function statusOf(told: Listed, asOf: string): StatusWord {
  if (told.status === "completed") return "succeeded";
  if (told.status === "cancelled" || told.status === "terminated") return "cancelled";
  if (told.status !== "running") return "failed";
  if (told.activity_status !== "pending") {
    const ends = microsOf(told.current_attempt?.lease_expires_at);
    return ends !== undefined && ends < (microsOf(asOf) ?? 0) ? "stalled" : "running";
  }
  return (told.attempt_count ?? 0) > 0 ? "retrying" : "queued";
}
